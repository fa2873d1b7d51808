use axum::extract::State;
use axum::http::StatusCode;
use imagefleet_model::{ServerId, Verb};
use imagefleet_operations::Change;
use serde::Deserialize;

use crate::audit::AuditNote;
use crate::extract::{Caller, Path, Query, Target};
use crate::{AppState, Problem};

/// How to remove it.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Force {
    /// Also while operations wait or run there; they fail then.
    #[serde(default)]
    force: bool,
}

/// Forget a server and what is known of it. Nothing on the server itself is touched.
#[utoipa::path(
    delete, path = "/servers/{id}", tag = "servers", operation_id = "deleteServer",
    params(("id" = i64, Path), Force), responses((status = 204, description = "Forgotten")),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ServerId>,
    Query(how): Query<Force>,
) -> Result<StatusCode, Problem> {
    let server = state.store.existing_server(id, &caller.access).await?;
    caller.audit(AuditNote::new("server.delete", &server.name).on(id, &server.name));
    caller.require(Verb::ServerManage, Target::WholeServer(id))?;
    state.store.delete_server(id, how.force).await?;
    state.watches.ring();
    state.operations.deps().changed(Change::Server(id));
    Ok(StatusCode::NO_CONTENT)
}
