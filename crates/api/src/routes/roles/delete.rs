use axum::extract::State;
use axum::http::StatusCode;

use super::require;
use crate::audit::AuditNote;
use crate::extract::{Caller, Path};
use crate::{AppState, Problem};

/// Remove an own role that nobody holds.
#[utoipa::path(
    delete, path = "/roles/{name}", tag = "roles", operation_id = "deleteRole", params(("name" = String, Path)),
    responses((status = 204, description = "Removed")),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    require(&caller)?;
    caller.audit(AuditNote::new("role.delete", &name));
    state.store.delete_role(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
