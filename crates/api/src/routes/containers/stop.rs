use axum::extract::State;
use imagefleet_model::Container;

use super::change::{Change, change};
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// Stop a container; it is killed when it has not ended after the engine's grace time.
#[utoipa::path(
    post, path = "/containers/{id}/stop", tag = "containers", operation_id = "stopContainer",
    params(("id" = i64, Path)),
    responses((status = 200, description = "Stopped; the container as it is now", body = Container)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<Container>, Problem> {
    change(&state, &caller, Change::Stop, id).await.map(Json)
}
