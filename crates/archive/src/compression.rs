use std::io;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use bytes::BytesMut;
use futures_util::stream::{self, StreamExt};
use imagefleet_model::{ErrorCode, Failure};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::Result;
use crate::packing::{MAGIC_BYTES, Packing};
use crate::stream::{ByteStream, CHUNK, into_body};

/// How an archive as a whole is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// A plain tar.
    #[default]
    None,
    /// `.tar.gz`, RFC 1952.
    Gzip,
    /// `.tar.zst`, RFC 8878.
    Zstd,
}

impl Compression {
    /// What a file name ends with.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::None => ".tar",
            Self::Gzip => ".tar.gz",
            Self::Zstd => ".tar.zst",
        }
    }
}

/// The stream, decompressed when it begins like gzip or zstd, else as it is.
///
/// Fails when it is empty (`NotAnArchive`) or begins like a compression that is not read here.
pub async fn decompress(mut stream: ByteStream) -> Result<(ByteStream, Compression)> {
    let mut head = BytesMut::new();
    while head.len() < MAGIC_BYTES {
        match stream.next().await {
            Some(chunk) if head.is_empty() => head = BytesMut::from(chunk?),
            Some(chunk) => head.extend_from_slice(&chunk?),
            None if head.is_empty() => {
                return Err(Failure::new(
                    ErrorCode::NotAnArchive,
                    "this is no image archive: it is empty",
                ));
            }
            None => break,
        }
    }
    let packing = Packing::of(&head);
    if let Packing::Foreign(name) = packing {
        let message = format!("this is a {name} file; decompress it first, or use gzip or zstd");
        return Err(Failure::new(ErrorCode::NotAnArchive, message));
    }
    let whole = stream::once(std::future::ready(Ok(head.freeze())))
        .chain(stream)
        .boxed();
    let plain = match packing.compression() {
        Compression::None => whole,
        Compression::Gzip => {
            let mut decoder = GzipDecoder::new(StreamReader::new(into_body(whole)));
            decoder.multiple_members(true);
            inflated(decoder, "gzip")
        }
        Compression::Zstd => {
            let mut decoder = ZstdDecoder::new(StreamReader::new(into_body(whole)));
            decoder.multiple_members(true);
            inflated(decoder, "zstd")
        }
    };
    Ok((plain, packing.compression()))
}

fn inflated(decoder: impl AsyncRead + Send + 'static, name: &'static str) -> ByteStream {
    let chunks = ReaderStream::with_capacity(decoder, CHUNK);
    chunks
        .map(move |chunk| chunk.map_err(|error| wrong(error, name)))
        .boxed()
}

fn wrong(error: io::Error, name: &str) -> Failure {
    let kind = error.kind();
    match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(_) if kind == io::ErrorKind::UnexpectedEof => Failure::new(
            ErrorCode::ArchiveTruncated,
            format!("the archive ends too early: its {name} data is not complete"),
        ),
        Err(error) => Failure::new(
            ErrorCode::ArchiveCorrupt,
            format!("the archive's {name} data is damaged: {error}"),
        ),
    }
}
