use axum::extract::State;
use imagefleet_model::Grant;
use imagefleet_store::UserChange;
use serde::Deserialize;

use super::{UserView, grants, require};
use crate::audit::AuditNote;
use crate::auth::check_new_password;
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// What to change; what is left out stays.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UserChangeBody {
    /// Refuse or allow logging in. Disabling ends sessions and live connections at once.
    disabled: Option<bool>,
    /// A new password. It ends the user's sessions.
    password: Option<String>,
    /// Whether the user has to change that new password first; no, when left out.
    must_change_password: Option<bool>,
    /// All grants, instead of the present ones.
    grants: Option<Vec<Grant>>,
}

/// Change a user: disable, give a new password, grant.
#[utoipa::path(
    patch, path = "/users/{id}", tag = "users", operation_id = "updateUser",
    params(("id" = i64, Path)), request_body = UserChangeBody,
    responses(
        (status = 200, description = "The user as it is now", body = UserView),
        (status = 409, description = "Nobody would be left who can manage everything (`conflict`)"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
    Json(body): Json<UserChangeBody>,
) -> Result<Json<UserView>, Problem> {
    require(&caller)?;
    let user = state
        .store
        .user(id)
        .await?
        .ok_or_else(|| Problem::not_found("user"))?;
    caller.audit(AuditNote::new("user.update", &user.username).detail(said(&body)));
    if let Some(grants) = &body.grants {
        grants::check(grants)?;
    }
    let password = match &body.password {
        Some(password) => {
            check_new_password("password", password, &user.username)?;
            let hash = state.passwords.hash(password).await?;
            Some((hash, body.must_change_password.unwrap_or(false)))
        }
        None => None,
    };
    let change = UserChange {
        disabled: body.disabled,
        password,
        grants: body.grants,
    };
    let user = state.store.update_user(id, change).await?;
    state.rights_changed();
    Ok(Json(user.into()))
}

/// What is changed, for the audit log.
fn said(body: &UserChangeBody) -> String {
    let mut said = Vec::new();
    match body.disabled {
        Some(true) => said.push("disabled".to_owned()),
        Some(false) => said.push("enabled".to_owned()),
        None => {}
    }
    if body.password.is_some() {
        said.push("new password".to_owned());
    }
    if let Some(grants) = &body.grants {
        let roles: Vec<&str> = grants.iter().map(|grant| grant.role.as_str()).collect();
        said.push(format!("grants: {}", roles.join(", ")));
    }
    said.join("; ")
}
