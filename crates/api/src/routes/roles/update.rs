use axum::extract::State;
use imagefleet_model::{Role, Verb};
use serde::Deserialize;

use super::require;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// What a role shall allow.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleChangeBody {
    /// All of its verbs.
    verbs: Vec<Verb>,
}

/// Give an own role other verbs. Whoever holds it has them at once.
#[utoipa::path(
    patch, path = "/roles/{name}", tag = "roles", operation_id = "updateRole",
    params(("name" = String, Path)), request_body = RoleChangeBody,
    responses((status = 200, description = "The role as it is now", body = Role)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<RoleChangeBody>,
) -> Result<Json<Role>, Problem> {
    require(&caller)?;
    caller.audit(AuditNote::new("role.update", &name));
    let role = state.store.update_role(&name, &body.verbs).await?;
    state.rights_changed();
    Ok(Json(role))
}
