//! Images as servers hold them: single rows for operations, pages for people.

mod by_column;
mod by_image;
mod by_server;
mod conditions;
mod filter;
mod holders;
mod list;
mod matching;
mod memory;
mod row;
mod selection;
mod single;
mod slice;
mod status;
#[cfg(test)]
mod tests;
mod users;

pub use by_image::{ImageGroup, Placement};
pub use by_server::{ServerGroup, ServerSummary};
pub use filter::{ImageFilter, ImageSort, SortKey};
pub use holders::Holder;
pub(crate) use memory::InMemory;
