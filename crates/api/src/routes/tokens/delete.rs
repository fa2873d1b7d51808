use axum::extract::State;
use axum::http::StatusCode;

use crate::audit::AuditNote;
use crate::extract::{Caller, Path};
use crate::{AppState, Problem};

/// Revoke one of your API tokens. It stops working at once, and so do its live connections.
#[utoipa::path(
    delete, path = "/tokens/{id}", tag = "tokens", operation_id = "deleteToken",
    params(("id" = i64, Path)),
    responses((status = 204, description = "Revoked")),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    let name = state.store.delete_token(id, caller.user_id).await?;
    let name = name.ok_or_else(|| Problem::not_found("token"))?;
    caller.audit(AuditNote::new("token.delete", name));
    state.rights_changed();
    Ok(StatusCode::NO_CONTENT)
}
