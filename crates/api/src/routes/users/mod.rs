//! Users and what is granted to them.

pub mod create;
pub mod delete;
mod grants;
pub mod list;
pub mod read;
pub mod update;
mod view;

pub use view::UserView;

use imagefleet_model::Verb;

use crate::Problem;
use crate::extract::{Caller, Target};

/// Users are managed as a whole: who may give rights could give any to themselves.
fn require(caller: &Caller) -> Result<(), Problem> {
    caller.require(Verb::UserManage, Target::Everything)
}
