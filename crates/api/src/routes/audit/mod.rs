//! The audit log.

pub mod export;
mod filter;
pub mod list;
mod view;

use imagefleet_model::Verb;

use crate::Problem;
use crate::extract::{Caller, Target};

/// The log speaks of everybody and every server.
fn require(caller: &Caller) -> Result<(), Problem> {
    caller.require(Verb::AuditView, Target::Everything)
}
