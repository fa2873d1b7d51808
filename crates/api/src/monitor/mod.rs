//! The Monitor API: the source document's endpoints, translated to what stands behind the native API. No logic of
//! its own.

pub mod delete;
mod envelope;
pub mod export;
mod fields;
mod filter;
mod image;
pub mod import;
pub mod list;
pub mod page;
pub mod pull;
pub mod read;
pub mod start;
mod start_form;
pub mod sync;

pub use envelope::{Envelope, ErrorEnvelope, envelope_of};

/// Where it lives.
pub const PREFIX: &str = "/api/monitor";

/// Whether a path belongs to it.
#[must_use]
pub fn is_monitor(path: &str) -> bool {
    path == PREFIX
        || path
            .strip_prefix(PREFIX)
            .is_some_and(|rest| rest.starts_with('/'))
}
