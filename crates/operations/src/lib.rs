//! The durable operations: queue, runner, kinds and reconcilers.
//!
//! [`Operations`] is the way in. A route checks rights and input, a kind's planner turns the request into an operation
//! with steps, one transaction stores it, and the runner takes the steps from there: per server one changing step at a
//! time, servers in parallel, progress as a latest value, the end stored first and announced after.

mod announcer;
pub mod archives;
pub mod certificates;
pub mod containers;
mod context;
pub mod credentials;
mod engine_source;
mod engines;
mod event;
mod handle;
mod innermost;
pub mod kinds;
pub mod reconcilers;
pub mod registry;
mod reporter;
mod runner;
pub mod testing;
pub mod uploads;

pub use context::{Deps, StepContext};
pub use engine_source::EngineSource;
pub use engines::EnginePool;
pub use event::{Change, Event};
pub use handle::{Actor, Operations};
pub use reporter::Reporter;
pub use runner::RunnerOptions;
