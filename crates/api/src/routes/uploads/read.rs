use axum::extract::State;

use super::{UploadView, require};
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// One of one's own uploads.
#[utoipa::path(
    get, path = "/uploads/{id}", tag = "uploads", operation_id = "readUpload", params(("id" = String, Path)),
    responses((status = 200, description = "The upload", body = UploadView)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<UploadView>, Problem> {
    Ok(Json(require(&state, &caller, &id).await?.into()))
}
