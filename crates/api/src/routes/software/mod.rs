//! The catalogue: known images with a ready container form.

mod body;
pub mod create;
pub mod delete;
pub mod export;
pub mod import;
pub mod list;
pub mod read;
pub mod update;
