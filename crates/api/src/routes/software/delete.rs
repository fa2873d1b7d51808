use axum::extract::State;
use axum::http::StatusCode;
use imagefleet_model::Verb;

use crate::audit::AuditNote;
use crate::extract::{Caller, Path, Target};
use crate::{AppState, Problem};

/// Remove an own catalogue entry. Images are not touched.
#[utoipa::path(
    delete, path = "/software/{id}", tag = "software", operation_id = "deleteSoftware", params(("id" = i64, Path)),
    responses((status = 204, description = "Removed")),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    caller.require(Verb::SoftwareManage, Target::Everything)?;
    let software = state.store.software(id).await?;
    caller.audit(AuditNote::new("software.delete", software.name));
    state.store.delete_software(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
