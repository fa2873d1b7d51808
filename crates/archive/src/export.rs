use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, StreamExt};
use imagefleet_model::{ErrorCode, Failure};

use crate::blob::Tally;
use crate::reader::Reader;
use crate::stream::{ByteStream, ahead};
use crate::{ArchiveContents, Compression, Limits, Result, compress};

/// An export that ran to its end: what is in the file and what the file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What is inside, checked.
    pub contents: ArchiveContents,
    /// SHA-256 of the file as written, 64 hexadecimal digits.
    pub sha256: String,
    /// Bytes of the file as written.
    pub size: u64,
}

/// The verdict of an [`export`], readable while and after its stream runs.
#[derive(Debug, Clone, Default)]
pub struct Sealing(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    tar_bytes: AtomicU64,
    contents: Mutex<Option<ArchiveContents>>,
    file: Mutex<Option<(String, u64)>>,
}

impl Sealing {
    /// Bytes of tar that the engine has sent so far.
    #[must_use]
    pub fn tar_bytes(&self) -> u64 {
        self.0.tar_bytes.load(Ordering::Relaxed)
    }

    /// The verdict, once the stream has ended well; `ExportUnavailable` before and otherwise.
    pub fn finish(&self) -> Result<Sealed> {
        let contents = self
            .0
            .contents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let file = self.0.file.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (contents, file) {
            (Some(contents), Some((sha256, size))) => Ok(Sealed {
                contents,
                sha256,
                size,
            }),
            _ => Err(Failure::new(
                ErrorCode::ExportUnavailable,
                "the export did not run to its end",
            )),
        }
    }
}

/// Passes an engine's save (a plain tar) through, checks it on the way and compresses it.
///
/// The stream ends well only when the archive is whole and true; otherwise its last item is the failure, and what was written of the
/// file must go. To be called within a Tokio runtime.
#[must_use]
pub fn export(save: ByteStream, compression: Compression, limits: &Limits) -> (ByteStream, Sealing) {
    let sealing = Sealing::default();
    let checked = ahead(checked(save, Reader::new(limits), compression, sealing.clone()));
    (measured(compress(checked, compression), sealing.clone()), sealing)
}

/// The same bytes; at their end an error unless they are a true archive.
fn checked(save: ByteStream, reader: Reader, compression: Compression, sealing: Sealing) -> ByteStream {
    let start = Some((save, reader, sealing));
    stream::unfold(start, move |state| async move {
        let (mut save, mut reader, sealing) = state?;
        let Some(chunk) = save.next().await else {
            return match reader.finish() {
                Ok(mut contents) => {
                    contents.compression = compression;
                    *sealing.0.contents.lock().unwrap_or_else(PoisonError::into_inner) = Some(contents);
                    None
                }
                Err(failure) => Some((Err(failure), None)),
            };
        };
        match chunk.and_then(|chunk| reader.push(&chunk).map(|()| chunk)) {
            Ok(chunk) => {
                sealing.0.tar_bytes.store(reader.bytes(), Ordering::Relaxed);
                Some((Ok(chunk), Some((save, reader, sealing))))
            }
            Err(failure) => Some((Err(failure), None)),
        }
    })
    .boxed()
}

/// The same bytes, hashed and counted for the file's own sum.
fn measured(file: ByteStream, sealing: Sealing) -> ByteStream {
    let start = Some((file, Tally::default(), sealing));
    stream::unfold(start, |state| async move {
        let (mut file, mut tally, sealing) = state?;
        match file.next().await {
            Some(Ok(chunk)) => {
                tally.take(&chunk);
                Some((Ok(chunk), Some((file, tally, sealing))))
            }
            Some(Err(failure)) => Some((Err(failure), None)),
            None => {
                let (sum, size) = tally.finish();
                *sealing.0.file.lock().unwrap_or_else(PoisonError::into_inner) = Some((sum.hex(), size));
                None
            }
        }
    })
    .boxed()
}
