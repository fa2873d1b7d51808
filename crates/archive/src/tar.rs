//! The tar form (POSIX.1-2017 pax, GNU), read and written piece by piece.
//!
//! The fields of a header are read by the maintained tar library; the framing is our own because bytes must pass on unchanged while
//! they are read, and an entry must be droppable before its first byte is seen.

mod frame;
mod name;
mod pax;
mod write;

pub(crate) use frame::{Entry, EntryKind, Event, Framer};
pub(crate) use write::{END, directory_header, file_header, link_header, padding};

/// Bytes of a tar block.
pub(crate) const BLOCK: usize = 512;
