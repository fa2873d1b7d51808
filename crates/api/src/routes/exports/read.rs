use axum::extract::State;
use imagefleet_model::Export;

use super::require;
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// One archive, finished or being made.
#[utoipa::path(
    get, path = "/exports/{id}", tag = "exports", operation_id = "readExport", params(("id" = String, Path)),
    responses(
        (status = 200, description = "The export", body = Export),
        (status = 409, description = "Its operation has not begun to make it"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Export>, Problem> {
    Ok(Json(require(&state, &caller, &id).await?.export))
}
