use axum::extract::State;
use axum::http::StatusCode;
use imagefleet_model::{Role, Verb};
use serde::Deserialize;

use super::require;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json};
use crate::{AppState, Problem};

/// An own role.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleBody {
    /// Its name: letters, digits, `.`, `_`, `-`.
    name: String,
    /// What it allows.
    verbs: Vec<Verb>,
}

/// Make an own role.
#[utoipa::path(
    post, path = "/roles", tag = "roles", operation_id = "createRole", request_body = RoleBody,
    responses((status = 201, description = "Made", body = Role)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<RoleBody>,
) -> Result<(StatusCode, Json<Role>), Problem> {
    require(&caller)?;
    caller.audit(AuditNote::new("role.create", &body.name));
    let good = |c: char| c.is_alphanumeric() || "._-".contains(c);
    if !(1..=64).contains(&body.name.chars().count()) || !body.name.chars().all(good) {
        return Err(Problem::field(
            "name",
            "must be 1 to 64 letters, digits or the characters . _ -",
        ));
    }
    let role = state.store.create_role(&body.name, &body.verbs).await?;
    Ok((StatusCode::CREATED, Json(role)))
}
