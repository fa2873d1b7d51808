use crate::Compression;

/// How many first bytes tell a packing.
pub(crate) const MAGIC_BYTES: usize = 6;

/// How bytes are compressed, by how they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    None,
    Gzip,
    Zstd,
    /// Known, but not read here.
    Foreign(&'static str),
}

impl Packing {
    /// By the first bytes, [`MAGIC_BYTES`] of them where there are as many.
    pub(crate) fn of(head: &[u8]) -> Self {
        const SIGNS: [(&[u8], Packing); 5] = [
            (&[0x1f, 0x8b, 0x08], Packing::Gzip),
            (&[0x28, 0xb5, 0x2f, 0xfd], Packing::Zstd),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0], Packing::Foreign("xz")),
            (b"PK\x03\x04", Packing::Foreign("zip")),
            (&[b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c], Packing::Foreign("7z")),
        ];
        // "BZh" alone may as well be the name of a tar's first file.
        if matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', ..]) {
            return Self::Foreign("bzip2");
        }
        SIGNS
            .into_iter()
            .find(|(sign, _)| head.starts_with(sign))
            .map_or(Self::None, |(_, packing)| packing)
    }

    /// As the compression of a whole archive.
    pub(crate) const fn compression(self) -> Compression {
        match self {
            Self::Gzip => Compression::Gzip,
            Self::Zstd => Compression::Zstd,
            Self::None | Self::Foreign(_) => Compression::None,
        }
    }
}
