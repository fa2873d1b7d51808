//! Archives on their way to us: begun, received in stretches, looked into, removed. The surfaces translate their
//! protocols to this.

mod begin;
mod checksum;
mod hold;
mod look;
mod receive;
mod remove;

pub use begin::{Begin, begin, measure};
pub use checksum::{Algorithm, Checksum};
pub use hold::HOLD;
pub use look::look;
pub use receive::{Part, Received, receive};
pub use remove::remove;

use std::time::Duration;

use imagefleet_model::Timestamp;

use crate::Deps;

/// When an upload is removed to which nothing more comes.
fn expires_at(deps: &Deps) -> Timestamp {
    let kept = Duration::from_secs(u64::from(deps.archives.policy.upload_hours) * 3600);
    deps.store.clock().now() + kept
}
