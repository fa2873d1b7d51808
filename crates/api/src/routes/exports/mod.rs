//! Exports: finished archives that we keep, to be fetched in whole or in part.

pub mod delete;
pub mod file;
pub mod list;
pub mod read;

use axum::http::{HeaderValue, StatusCode, header};
use imagefleet_model::{ErrorCode, Verb};
use imagefleet_store::StoredExport;

use crate::extract::{Caller, Target};
use crate::{AppState, Problem};

/// The export of that id, when the caller may export all that is inside; another is not there.
pub async fn require(state: &AppState, caller: &Caller, id: &str) -> Result<StoredExport, Problem> {
    caller.require(Verb::ImageExport, Target::Anything)?;
    match state.store.export(id, &caller.access).await {
        Err(error) if error.is_not_found() && state.store.export_awaited(id).await? => Err(being_made()),
        found => Ok(found?),
    }
}

/// There will be something to fetch a little later.
fn being_made() -> Problem {
    Problem::new(ErrorCode::ExportUnavailable, "This export is being made.")
        .with_status(StatusCode::CONFLICT)
        .with_header(header::RETRY_AFTER, HeaderValue::from(2))
}
