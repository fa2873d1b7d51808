use axum::extract::State;
use imagefleet_model::Container;

use super::change::{Change, change};
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// Stop and start a container.
#[utoipa::path(
    post, path = "/containers/{id}/restart", tag = "containers", operation_id = "restartContainer",
    params(("id" = i64, Path)),
    responses((status = 200, description = "Restarted; the container as it is now", body = Container)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<Container>, Problem> {
    change(&state, &caller, Change::Restart, id).await.map(Json)
}
