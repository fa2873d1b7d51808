use axum::extract::State;
use axum::http::StatusCode;
use imagefleet_model::Verb;

use crate::audit::AuditNote;
use crate::extract::{Caller, Path, Target};
use crate::{AppState, Problem};

/// End a session: one of yours, or anybody's with `user:manage`. Its live connections end at once.
#[utoipa::path(
    delete, path = "/sessions/{id}", tag = "session", operation_id = "deleteSession",
    params(("id" = String, Path)),
    responses((status = 204, description = "Ended")),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.audit(AuditNote::new("session.revoke", &id));
    let owner = (!caller.may(Verb::UserManage, Target::Everything)).then_some(caller.user_id);
    if !state.store.end_session(&id, owner).await? {
        return Err(Problem::not_found("session"));
    }
    state.rights_changed();
    Ok(StatusCode::NO_CONTENT)
}
