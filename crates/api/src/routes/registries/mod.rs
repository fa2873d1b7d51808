//! Registry accounts, and what their registries hold.

pub mod create;
pub mod delete;
mod fields;
pub mod list;
pub mod read;
pub mod repositories;
mod rights;
pub mod tags;
pub mod test;
pub mod test_new;
pub mod update;
