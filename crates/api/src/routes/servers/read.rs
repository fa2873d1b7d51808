use axum::extract::State;
use imagefleet_model::{Server, ServerId};

use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// One server.
#[utoipa::path(
    get, path = "/servers/{id}", tag = "servers", operation_id = "readServer", params(("id" = i64, Path)),
    responses((status = 200, description = "The server", body = Server)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ServerId>,
) -> Result<Json<Server>, Problem> {
    Ok(Json(state.store.existing_server(id, &caller.access).await?))
}
