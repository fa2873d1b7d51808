//! Images as servers hold them: single rows for operations, pages for people.

mod by_image;
mod by_server;
mod filter;
mod held;
mod holders;
mod kept;
mod list;
mod matching;
mod row;
mod single;
mod status;
#[cfg(test)]
mod tests;
mod users;
mod walk;

pub use by_image::{ImageGroup, Placement};
pub use by_server::{ServerGroup, ServerSummary};
pub use filter::{ImageFilter, ImageSort, SortKey};
pub(crate) use held::HeldInMemory;
pub use holders::Holder;
