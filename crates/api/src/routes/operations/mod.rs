//! Operations: the state that live events only announce.

mod accepted;
pub mod cancel;
pub mod list;
pub mod read;
pub mod retry;
mod visible;

pub use accepted::{Accepted, submit, submit_at};
pub use visible::{require, shown};
