//! Servers: the machines whose engines are managed.

pub mod create;
pub mod delete;
mod fields;
pub mod list;
pub mod pause;
mod queue;
pub mod read;
pub mod resume;
mod ssh;
pub mod test;
pub mod test_new;
mod tls;
pub mod update;

pub use queue::step_limit;
