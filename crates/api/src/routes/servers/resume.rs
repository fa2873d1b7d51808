use axum::extract::State;
use imagefleet_model::{Server, ServerId};

use super::pause::set_paused;
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// Let a paused server's queue go on. The same as `PATCH` with `paused`.
#[utoipa::path(
    post, path = "/servers/{id}/resume", tag = "servers", operation_id = "resumeServer", params(("id" = i64, Path)),
    responses((status = 200, description = "The server now", body = Server)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ServerId>,
) -> Result<Json<Server>, Problem> {
    set_paused(&state, &caller, id, false).await
}
