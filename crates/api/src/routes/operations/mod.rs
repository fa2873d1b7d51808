//! Operations: the state that live events only announce.

mod accepted;
pub mod cancel;
pub mod list;
pub mod read;
pub mod retry;
mod visible;

pub use accepted::{Accepted, submit};
pub use visible::{nameless_title, require, sees_all, shown, shown_to};
