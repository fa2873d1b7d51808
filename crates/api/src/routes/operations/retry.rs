use axum::extract::State;
use imagefleet_model::Operation;

use super::{Accepted, require, shown_to};
use crate::audit::AuditNote;
use crate::extract::{Caller, Path};
use crate::{AppState, Problem};

/// Run again the steps that did not succeed.
#[utoipa::path(
    post, path = "/operations/{id}/retry", tag = "operations", operation_id = "retryOperation",
    params(("id" = String, Path)),
    responses((status = 202, description = "Queued again", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Accepted, Problem> {
    let operation = require(&state, &caller, &id, true).await?;
    caller.audit(AuditNote::new("operation.retry", operation.title));
    let operation = state.operations.retry(&id).await?;
    Ok(Accepted(shown_to(operation, &caller)))
}
