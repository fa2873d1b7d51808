use axum::extract::State;

use super::SessionView;
use crate::extract::{Caller, Json};
use crate::{AppState, Problem};

/// Who am I, and what may I do?
#[utoipa::path(
    get, path = "/session", tag = "session", operation_id = "readSession",
    responses((status = 200, description = "The caller", body = SessionView)),
)]
pub async fn handler(State(state): State<AppState>, caller: Caller) -> Result<Json<SessionView>, Problem> {
    SessionView::of(&state, &caller).await.map(Json)
}
