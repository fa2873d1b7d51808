//! Roles: named sets of verbs.

pub mod create;
pub mod delete;
pub mod list;
pub mod update;

use imagefleet_model::Verb;

use crate::Problem;
use crate::extract::{Caller, Target};

fn require(caller: &Caller) -> Result<(), Problem> {
    caller.require(Verb::UserManage, Target::Everything)
}
