use std::io;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use imagefleet_model::{ErrorCode, Failure};
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio_util::io::ReaderStream;
use tokio_util::task::AbortOnDropHandle;

use crate::Result;

/// An archive on its way. After an error nothing more comes; whoever keeps the bytes throws them away then.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// Bytes asked of a reader at once: enough to make system calls cheap, small enough to have many streams.
pub(crate) const CHUNK: usize = 256 << 10;

/// A reader (a file of the archive store) as a stream. Its errors become `Internal`, unless they carry a [`Failure`].
pub fn from_reader(reader: impl AsyncRead + Send + 'static) -> ByteStream {
    ReaderStream::with_capacity(reader, CHUNK)
        .map(|chunk| chunk.map_err(|error| failure_of(error, ErrorCode::Internal, "reading the archive")))
        .boxed()
}

/// A stream as the body of a request; a failure travels inside the `io::Error`.
#[must_use]
pub fn into_body(stream: ByteStream) -> BoxStream<'static, io::Result<Bytes>> {
    stream.map(|chunk| chunk.map_err(io::Error::other)).boxed()
}

/// How many chunks a stream may be ahead of its reader.
const AHEAD: usize = 8;

/// The stream, driven by a task of its own a few chunks ahead: what is done in it runs beside what its reader does.
pub(crate) fn ahead(mut stream: ByteStream) -> ByteStream {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let task = tokio::spawn(async move {
        while let Some(chunk) = stream.next().await {
            let failed = chunk.is_err();
            if sender.send(chunk).await.is_err() || failed {
                return;
            }
        }
    });
    // The task ends with its reader; one that panicked must not look like an end.
    let start = Some((receiver, AbortOnDropHandle::new(task)));
    stream::unfold(start, |state| async move {
        let (mut receiver, task) = state?;
        match receiver.recv().await {
            Some(chunk) => Some((chunk, Some((receiver, task)))),
            None => match task.await {
                Ok(()) => None,
                Err(error) => {
                    let message = format!("reading the archive stopped: {error}");
                    Some((Err(Failure::new(ErrorCode::Internal, message)), None))
                }
            },
        }
    })
    .boxed()
}

/// The failure that an I/O error carries, or else one of this code.
pub(crate) fn failure_of(error: io::Error, code: ErrorCode, doing: &str) -> Failure {
    match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(error) => Failure::new(code, format!("{doing}: {error}")),
    }
}
