//! Containers as the last look at their server told them.

mod apply;
mod list;

pub use apply::{ContainerChange, ContainerChanges, REMOVED};
pub use list::ContainerFilter;
