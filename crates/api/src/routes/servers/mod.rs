//! Servers: the machines whose engines are managed.

pub mod create;
pub mod delete;
mod fields;
pub mod list;
pub mod read;
mod ssh;
pub mod test;
pub mod test_new;
mod tls;
pub mod update;
