//! What the tests of this crate share.
#![allow(dead_code, reason = "every test file uses its own part")]

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use imagefleet_archive::{ArchiveContents, ByteStream, Limits, Result, inspect};

/// The bytes as a stream of pieces of this size.
pub fn pieces(bytes: &Bytes, size: usize) -> ByteStream {
    let mut rest = bytes.clone();
    let mut cut = Vec::new();
    while !rest.is_empty() {
        cut.push(Ok(rest.split_to(rest.len().min(size))));
    }
    stream::iter(cut).boxed()
}

/// What the archive holds.
pub async fn read(bytes: &Bytes) -> Result<ArchiveContents> {
    inspect(pieces(bytes, 64 << 10), &Limits::default()).await
}

/// Everything a stream gives.
pub async fn collect(mut stream: ByteStream) -> Result<Bytes> {
    let mut all = Vec::new();
    while let Some(chunk) = stream.next().await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all.into())
}

pub fn gzip(bytes: &[u8]) -> Bytes {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(3));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().into()
}

pub fn zstd(bytes: &[u8]) -> Bytes {
    let mut compressor = zstd::bulk::Compressor::new(3).unwrap();
    compressor.include_checksum(true).unwrap();
    compressor.compress(bytes).unwrap().into()
}
