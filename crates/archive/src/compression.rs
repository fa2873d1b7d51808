use std::io;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use bytes::{Bytes, BytesMut};
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

/// Bytes compressed as one gzip member or zstd frame. Both forms allow many in a row, so blocks are compressed side by side, and the
/// loss against one long run is below one per cent.
const BLOCK: usize = 1 << 20;
/// Gzip levels above this one win a few per cent of size for a multiple of the time.
const GZIP_LEVEL: u32 = 3;
/// The level that zstd itself takes.
const ZSTD_LEVEL: i32 = 3;

/// The stream, compressed on other threads. `None` gives it back as it is.
pub fn compress(stream: ByteStream, compression: Compression) -> ByteStream {
    let pack = match compression {
        Compression::None => return stream,
        Compression::Gzip => gzip_block,
        Compression::Zstd => zstd_block,
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    blocks(stream)
        .map(move |block| async move {
            let block = block?;
            let packed = tokio::task::spawn_blocking(move || pack(&block)).await;
            match packed {
                Ok(Ok(packed)) => Ok(packed),
                Ok(Err(error)) => Err(Failure::new(
                    ErrorCode::Internal,
                    format!("compressing failed: {error}"),
                )),
                Err(error) => Err(Failure::new(
                    ErrorCode::Internal,
                    format!("compressing stopped: {error}"),
                )),
            }
        })
        .buffered(threads)
        .boxed()
}

fn gzip_block(block: &[u8]) -> io::Result<Bytes> {
    use io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(
        Vec::with_capacity(block.len() / 2),
        flate2::Compression::new(GZIP_LEVEL),
    );
    encoder.write_all(block)?;
    encoder.finish().map(Bytes::from)
}

fn zstd_block(block: &[u8]) -> io::Result<Bytes> {
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    // As the zstd program does: a damaged file is then told from a damaged image.
    compressor.include_checksum(true)?;
    compressor.compress(block).map(Bytes::from)
}

/// The stream cut into pieces of [`BLOCK`] bytes.
fn blocks(stream: ByteStream) -> impl futures_util::Stream<Item = Result<Bytes>> + Send {
    let start = (stream, BytesMut::new(), Bytes::new(), false);
    stream::unfold(start, |(mut stream, mut block, mut rest, mut over)| async move {
        while !over && block.len() < BLOCK {
            if rest.is_empty() {
                match stream.next().await {
                    Some(Ok(chunk)) => rest = chunk,
                    Some(Err(failure)) => {
                        return Some((Err(failure), (stream, BytesMut::new(), Bytes::new(), true)));
                    }
                    None => over = true,
                }
            }
            let take = (BLOCK - block.len()).min(rest.len());
            block.extend_from_slice(&rest.split_to(take));
        }
        let full = block.split().freeze();
        (!full.is_empty()).then_some((Ok(full), (stream, block, rest, over)))
    })
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
