//! Image archives as streams of bytes: read, verify, compress, filter layers, write.
//!
//! Nothing here is ever whole in memory, nothing is unpacked to disk by name, and nothing is read twice: every verb works forward
//! on a live stream, be it an uploaded file or an engine that saves. The crate knows neither engines nor HTTP.
//!
//! * [`inspect`] reads an archive to its end and says what is inside, or why it is none.
//! * [`export`] passes an engine's save through unchanged (or compressed) and checks it on the way.
//! * [`copy`](copy()) passes one archive on to many targets, to each in the form that its image store takes and without the layers
//!   that it already holds.
//! * [`build`] writes small archives of every form, for tests and for the fake engine.

mod blob;
pub mod build;
mod collect;
mod compress;
mod compression;
mod contents;
pub mod copy;
mod document;
mod export;
mod inspect;
mod limits;
mod packing;
mod reader;
mod resolve;
mod stream;
mod tar;
mod zstd_frames;

pub use compress::compress;
pub use compression::{Compression, decompress};
pub use contents::{ArchiveContents, ArchiveForms, ArchiveImage, ArchiveLayer, SkippedManifest, chain_ids};
pub use copy::{
    CopyCounters, CopyFigures, CopyPlan, Copying, Held, SourceImage, SourceLayer, TargetForm, TargetPlan,
    TargetStream, copy,
};
pub use export::{Sealed, Sealing, export};
pub use inspect::inspect;
pub use limits::Limits;
pub use stream::{ByteStream, from_reader, into_body};

/// What every verb of this crate gives: its value or a [`Failure`](imagefleet_model::Failure) with one of the archive codes.
pub type Result<T> = std::result::Result<T, imagefleet_model::Failure>;
