use axum::extract::State;
use axum::http::StatusCode;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::Cookie;

use crate::audit::AuditNote;
use crate::extract::{Caller, Credential};
use crate::middleware::SESSION_COOKIE;
use crate::{AppState, Problem};

/// Log out. The session ends at once, on every device that shared its cookie, and so do its live connections.
#[utoipa::path(
    delete, path = "/session", tag = "session", operation_id = "logOut",
    responses((status = 204, description = "Logged out")),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    jar: CookieJar,
) -> Result<(CookieJar, StatusCode), Problem> {
    caller.audit(AuditNote::new("session.logout", &caller.username));
    if let Credential::Session { id, .. } = &caller.credential {
        state.store.end_session(id, Some(caller.user_id)).await?;
        state.rights_changed();
    }
    let gone = Cookie::build(SESSION_COOKIE).path("/").build();
    Ok((jar.remove(gone), StatusCode::NO_CONTENT))
}
