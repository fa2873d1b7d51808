//! Sessions: where somebody is logged in.

pub mod delete;
pub mod list;
