//! Logging in and out.

pub mod create;
pub mod delete;
pub mod password;
pub mod read;
mod view;

pub use view::SessionView;
