use axum::extract::State;
use axum::http::StatusCode;
use imagefleet_model::Grant;
use imagefleet_store::NewUser;
use serde::Deserialize;

use super::{UserView, grants, require};
use crate::audit::AuditNote;
use crate::auth::check_new_password;
use crate::extract::{Caller, Json};
use crate::{AppState, Problem};

/// A user to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewUserBody {
    /// The name to log in with: letters, digits, `.`, `_`, `-`, `@`.
    username: String,
    /// The first password, 8 characters or more.
    password: String,
    /// What is granted; nothing, when left out.
    #[serde(default)]
    grants: Vec<Grant>,
    /// Whether the user has to change the password first.
    #[serde(default)]
    must_change_password: bool,
}

/// Make a user.
#[utoipa::path(
    post, path = "/users", tag = "users", operation_id = "createUser", request_body = NewUserBody,
    responses((status = 201, description = "Made", body = UserView)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewUserBody>,
) -> Result<(StatusCode, Json<UserView>), Problem> {
    require(&caller)?;
    caller.audit(AuditNote::new("user.create", &body.username));
    check_username(&body.username)?;
    check_new_password("password", &body.password, &body.username)?;
    grants::check(&body.grants)?;
    let new = NewUser {
        username: body.username,
        password_hash: state.passwords.hash(&body.password).await?,
        must_change_password: body.must_change_password,
        grants: body.grants,
    };
    let user = state.store.create_user(new).await?;
    state.rights_changed();
    Ok((StatusCode::CREATED, Json(user.into())))
}

fn check_username(name: &str) -> Result<(), Problem> {
    let good = |c: char| c.is_alphanumeric() || "._-@".contains(c);
    if (1..=64).contains(&name.chars().count()) && name.chars().all(good) {
        return Ok(());
    }
    Err(Problem::field(
        "username",
        "must be 1 to 64 letters, digits or the characters . _ - @",
    ))
}
