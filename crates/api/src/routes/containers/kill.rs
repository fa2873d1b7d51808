use axum::extract::State;
use imagefleet_model::Container;

use super::change::{Change, change};
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// Kill a container at once.
#[utoipa::path(
    post, path = "/containers/{id}/kill", tag = "containers", operation_id = "killContainer",
    params(("id" = i64, Path)),
    responses((status = 200, description = "Killed; the container as it is now", body = Container)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<Container>, Problem> {
    change(&state, &caller, Change::Kill, id).await.map(Json)
}
