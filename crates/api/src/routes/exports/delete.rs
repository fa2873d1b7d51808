use axum::extract::State;
use axum::http::StatusCode;
use imagefleet_model::ExportStatus;

use super::require;
use crate::audit::AuditNote;
use crate::extract::{Caller, Path};
use crate::{AppState, Problem};

/// Delete an archive. A download under way ends whole or breaks.
#[utoipa::path(
    delete, path = "/exports/{id}", tag = "exports", operation_id = "deleteExport", params(("id" = String, Path)),
    responses((status = 204, description = "Gone")),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let stored = require(&state, &caller, &id).await?;
    caller.audit(AuditNote::new("export.delete", &stored.export.file_name));
    // Of one that is being made only the row: who makes it finds that out and takes the bytes back.
    if stored.export.status == ExportStatus::Ready {
        state.operations.deps().archives.delete(&stored.location).await?;
    }
    state.store.delete_export(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
