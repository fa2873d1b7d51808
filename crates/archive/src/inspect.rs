use futures_util::StreamExt;

use crate::reader::Reader;
use crate::stream::ByteStream;
use crate::{ArchiveContents, Limits, Result, decompress};

/// Reads an archive (plain, gzip or zstd) to its end and says what is inside.
///
/// Fails with `NotAnArchive`, `ArchiveTruncated`, `ArchiveCorrupt` or `ArchiveTooComplex`, or with the stream's own failure.
pub async fn inspect(archive: ByteStream, limits: &Limits) -> Result<ArchiveContents> {
    let (mut plain, compression) = decompress(archive).await?;
    let mut reader = Reader::new(limits);
    while let Some(chunk) = plain.next().await {
        reader.push(&chunk?)?;
    }
    let mut contents = reader.finish()?;
    contents.compression = compression;
    Ok(contents)
}
