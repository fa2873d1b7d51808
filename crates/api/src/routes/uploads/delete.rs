use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use imagefleet_operations::uploads::remove;

use super::require;
use super::tus::check_version;
use crate::audit::AuditNote;
use crate::extract::{Caller, Path};
use crate::{AppState, Problem};

/// Remove an upload with all of its bytes (tus: termination).
#[utoipa::path(
    delete, path = "/uploads/{id}", tag = "uploads", operation_id = "deleteUpload", params(("id" = String, Path)),
    responses(
        (status = 204, description = "Gone"),
        (status = 409, description = "An import that has not ended needs it"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    check_version(&headers, false)?;
    let upload = require(&state, &caller, &id).await?;
    caller.audit(AuditNote::new("upload.delete", &upload.file_name));
    remove(state.operations.deps(), &upload).await?;
    Ok(StatusCode::NO_CONTENT)
}
