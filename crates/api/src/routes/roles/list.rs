use axum::extract::State;
use imagefleet_model::{Page, Role};

use super::require;
use crate::extract::{Caller, Json, Paging};
use crate::routes::tokens::list::page_of;
use crate::{AppState, Problem};

/// All roles: `admin`, `operator`, `viewer`, then own ones.
#[utoipa::path(
    get, path = "/roles", tag = "roles", operation_id = "listRoles", params(Paging),
    responses((status = 200, description = "Roles", body = Page<Role>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Page<Role>>, Problem> {
    require(&caller)?;
    Ok(Json(page_of(state.store.roles().await?, paging.request()?)))
}
