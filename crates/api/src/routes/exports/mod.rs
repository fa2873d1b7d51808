//! Exports: finished archives that we keep, to be fetched in whole or in part.

pub mod delete;
pub mod file;
pub mod list;
mod range;
pub mod read;

use imagefleet_model::Verb;
use imagefleet_store::StoredExport;

use crate::extract::{Caller, Target};
use crate::{AppState, Problem};

/// The export of that id, when the caller may export all that is inside; another is not there.
pub async fn require(state: &AppState, caller: &Caller, id: &str) -> Result<StoredExport, Problem> {
    caller.require(Verb::ImageExport, Target::Anything)?;
    Ok(state.store.export(id, &caller.access).await?)
}
