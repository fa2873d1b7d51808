use axum::extract::State;
use imagefleet_model::Operation;

use super::{Accepted, require, shown_to};
use crate::audit::AuditNote;
use crate::extract::{Caller, Path};
use crate::{AppState, Problem};

/// Cancel an operation. What the engines do for it is stopped; steps that have ended stay as they are.
#[utoipa::path(
    post, path = "/operations/{id}/cancel", tag = "operations", operation_id = "cancelOperation",
    params(("id" = String, Path)),
    responses((status = 202, description = "The operation as it is now; a running step ends in a moment", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Accepted, Problem> {
    let operation = require(&state, &caller, &id, true).await?;
    caller.audit(AuditNote::new("operation.cancel", operation.title));
    let operation = state.operations.cancel(&id).await?;
    Ok(Accepted(shown_to(operation, &caller)))
}
