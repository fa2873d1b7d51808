use axum::extract::State;
use axum::http::StatusCode;
use imagefleet_model::Verb;

use crate::audit::AuditNote;
use crate::extract::{Caller, Path, Target};
use crate::{AppState, Problem};

/// Forget a registry account and its password.
#[utoipa::path(
    delete, path = "/registries/{id}", tag = "registries", operation_id = "deleteRegistry",
    params(("id" = i64, Path)), responses((status = 204, description = "Forgotten")),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    caller.require(Verb::RegistryManage, Target::Everything)?;
    let registry = state.store.registry(id).await?;
    caller.audit(AuditNote::new("registry.delete", registry.name));
    state.store.delete_registry(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
