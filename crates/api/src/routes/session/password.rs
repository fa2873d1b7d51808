use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use imagefleet_model::ErrorCode;
use imagefleet_store::UserChange;
use serde::Deserialize;

use crate::audit::AuditNote;
use crate::auth::check_new_password;
use crate::extract::{Caller, Json};
use crate::{AppState, Problem};

/// The old and the new password.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordBody {
    /// The present one: a session left open must not be enough.
    current_password: String,
    /// The new one, 8 characters or more.
    new_password: String,
}

/// Change your own password. Your sessions end, this one too: log in again.
#[utoipa::path(
    post, path = "/session/password", tag = "session", operation_id = "changePassword",
    request_body = PasswordBody,
    responses(
        (status = 204, description = "Changed"),
        (status = 422, description = "The present password is wrong, or the new one is too weak"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<PasswordBody>,
) -> Result<StatusCode, Problem> {
    caller.audit(AuditNote::new("session.password", &caller.username));
    check_new_password("newPassword", &body.new_password, &caller.username)?;
    let row = state.store.login_row(&caller.username).await?;
    let row = row.ok_or_else(|| Problem::not_found("user"))?;
    let _turn = state.throttle.turn().await;
    if let Some(wait) = state.throttle.wait(&caller.username, caller.address, state.now()) {
        return Err(
            Problem::new(ErrorCode::TooManyRequests, "Too many wrong passwords.")
                .with_header(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1)),
        );
    }
    if !state
        .passwords
        .verify(&body.current_password, Some(row.password_hash))
        .await?
    {
        state
            .throttle
            .failed(&caller.username, caller.address, state.now());
        return Err(Problem::field("currentPassword", "is wrong"));
    }
    let hash = state.passwords.hash(&body.new_password).await?;
    let change = UserChange {
        password: Some((hash, false)),
        ..UserChange::default()
    };
    state.store.update_user(caller.user_id, change).await?;
    state.rights_changed();
    Ok(StatusCode::NO_CONTENT)
}
