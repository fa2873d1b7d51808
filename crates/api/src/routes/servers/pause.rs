use axum::extract::State;
use imagefleet_model::{Server, ServerId, Verb};
use imagefleet_operations::Change;
use imagefleet_store::ServerChange;

use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Path, Target};
use crate::{AppState, Problem};

/// Hold a server's queue: what runs there goes on to its end, nothing new begins. The same as `PATCH` with `paused`.
#[utoipa::path(
    post, path = "/servers/{id}/pause", tag = "servers", operation_id = "pauseServer", params(("id" = i64, Path)),
    responses((status = 200, description = "The server now", body = Server)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ServerId>,
) -> Result<Json<Server>, Problem> {
    set_paused(&state, &caller, id, true).await
}

/// Holds the queue of a server or lets it go on.
pub async fn set_paused(
    state: &AppState,
    caller: &Caller,
    id: ServerId,
    paused: bool,
) -> Result<Json<Server>, Problem> {
    let server = state.store.existing_server(id, &caller.access).await?;
    let action = if paused { "server.pause" } else { "server.resume" };
    caller.audit(AuditNote::new(action, &server.name).on(id, &server.name));
    caller.require(Verb::ServerManage, Target::WholeServer(id))?;
    let change = ServerChange {
        paused: Some(paused),
        ..ServerChange::default()
    };
    state.store.update_server(id, change).await?;
    state.operations.wake();
    state.operations.deps().changed(Change::Server(id));
    Ok(Json(state.store.existing_server(id, &caller.access).await?))
}
