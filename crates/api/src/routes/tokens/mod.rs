//! API tokens: for scripts and other programs.

pub mod create;
pub mod delete;
pub mod list;
