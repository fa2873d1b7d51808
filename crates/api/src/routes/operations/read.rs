use axum::extract::State;
use imagefleet_model::Operation;

use super::{require, shown_to};
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// One operation with its steps. An event is sent after its state can be read here.
#[utoipa::path(
    get, path = "/operations/{id}", tag = "operations", operation_id = "readOperation",
    params(("id" = String, Path)),
    responses((status = 200, description = "The operation", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Operation>, Problem> {
    let operation = require(&state, &caller, &id, false).await?;
    Ok(Json(shown_to(operation, &caller)))
}
