use axum::extract::State;
use imagefleet_operations::uploads::look;

use super::contents::{ArchiveView, view};
use super::require;
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// What is inside an upload: read once, to its end, before anything is loaded; and which servers have it already.
#[utoipa::path(
    get, path = "/uploads/{id}/archive", tag = "uploads", operation_id = "readUploadedArchive",
    params(("id" = String, Path)),
    responses(
        (status = 200, description = "What is inside", body = ArchiveView),
        (status = 409, description = "Not all of it has come (`upload_incomplete`)"),
        (status = 422, description = "`not_an_archive`, `archive_truncated`, `archive_corrupt`, `archive_too_complex`"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ArchiveView>, Problem> {
    let upload = require(&state, &caller, &id).await?;
    let contents = look(state.operations.deps(), &upload).await?;
    Ok(Json(view(&state, &caller, &upload, contents).await?))
}
