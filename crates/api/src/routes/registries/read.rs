use axum::extract::State;
use imagefleet_model::Registry;

use super::rights::require_look;
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// One registry account, without its password.
#[utoipa::path(
    get, path = "/registries/{id}", tag = "registries", operation_id = "readRegistry", params(("id" = i64, Path)),
    responses((status = 200, description = "The registry", body = Registry)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<Registry>, Problem> {
    require_look(&caller)?;
    Ok(Json(state.store.registry(id).await?))
}
