use axum::extract::State;
use imagefleet_model::Software;

use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// One catalogue entry.
#[utoipa::path(
    get, path = "/software/{id}", tag = "software", operation_id = "readSoftware", params(("id" = i64, Path)),
    responses((status = 200, description = "The entry", body = Software)),
)]
pub async fn handler(
    State(state): State<AppState>,
    _caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<Software>, Problem> {
    Ok(Json(state.store.software(id).await?))
}
