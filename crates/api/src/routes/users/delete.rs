use axum::extract::State;
use axum::http::StatusCode;

use super::require;
use crate::audit::AuditNote;
use crate::extract::{Caller, Path};
use crate::{AppState, Problem};

/// Remove a user with grants, sessions and tokens.
#[utoipa::path(
    delete, path = "/users/{id}", tag = "users", operation_id = "deleteUser", params(("id" = i64, Path)),
    responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "Nobody would be left who can manage everything (`conflict`)"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    require(&caller)?;
    let user = state
        .store
        .user(id)
        .await?
        .ok_or_else(|| Problem::not_found("user"))?;
    caller.audit(AuditNote::new("user.delete", user.username));
    state.store.delete_user(id).await?;
    state.rights_changed();
    Ok(StatusCode::NO_CONTENT)
}
