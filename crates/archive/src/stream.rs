use std::io;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use imagefleet_model::{ErrorCode, Failure};
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::Result;

/// An archive on its way. After an error nothing more comes; whoever keeps the bytes throws them away then.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// Bytes asked of a reader at once: enough to make system calls cheap, small enough to have many streams.
const CHUNK: usize = 256 << 10;

/// A reader (a file of the archive store) as a stream. Its errors become `Internal`, unless they carry a [`Failure`].
pub fn from_reader(reader: impl AsyncRead + Send + 'static) -> ByteStream {
    ReaderStream::with_capacity(reader, CHUNK)
        .map(|chunk| chunk.map_err(|error| failure_of(error, ErrorCode::Internal, "reading the archive")))
        .boxed()
}

/// A stream as the body of a request; a failure travels inside the `io::Error`.
pub fn into_body(stream: ByteStream) -> BoxStream<'static, io::Result<Bytes>> {
    stream.map(|chunk| chunk.map_err(io::Error::other)).boxed()
}

/// The failure that an I/O error carries, or else one of this code.
pub(crate) fn failure_of(error: io::Error, code: ErrorCode, doing: &str) -> Failure {
    match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(error) => Failure::new(code, format!("{doing}: {error}")),
    }
}
