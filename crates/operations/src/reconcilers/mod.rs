//! What makes the stored state true again: idempotent, periodic and signalled.

mod archives;
mod watch;
mod watcher;

pub use archives::{Swept, keep_to_budget, sweep, sweep_archives};
pub use watch::{WatchOptions, Watches};
