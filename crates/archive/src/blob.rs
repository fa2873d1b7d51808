use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use imagefleet_model::{ErrorCode, Failure};
use sha2::{Digest, Sha256};

use crate::Result;
use crate::packing::{MAGIC_BYTES, Packing};
use crate::zstd_frames::ZstdFrames;

/// A SHA-256, as short as it gets: an archive may have many.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Sum([u8; 32]);

impl Sum {
    /// The sum of bytes that are all there.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// From 64 hexadecimal digits, with or without `sha256:`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut sum = [0; 32];
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let lower = digits
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (lower && hex::decode_to_slice(digits, &mut sum).is_ok()).then_some(Self(sum))
    }

    /// The 64 digits alone.
    pub(crate) fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl std::fmt::Debug for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// What a blob turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blob {
    /// Digest as stored.
    pub(crate) sum: Sum,
    /// Bytes as stored.
    pub(crate) size: u64,
    /// How it is compressed.
    pub(crate) packing: Packing,
    /// Digest and bytes inflated; the reason when it does not inflate.
    pub(crate) inflated: std::result::Result<(Sum, u64), String>,
}

/// Hashes a blob as it passes, and what it inflates to, in one go.
pub(crate) struct BlobHasher {
    stored: Tally,
    head: Vec<u8>,
    inside: Option<Inside>,
    broken: Option<String>,
}

enum Inside {
    Gzip(Box<MultiGzDecoder<Tally>>),
    Zstd(Box<ZstdFrames>, Tally),
}

impl BlobHasher {
    pub(crate) fn new() -> Self {
        Self {
            stored: Tally::default(),
            head: Vec::new(),
            inside: None,
            broken: None,
        }
    }

    /// Takes the next bytes. `inflatable` counts down what compressed content may still inflate to.
    pub(crate) fn push(&mut self, bytes: &[u8], inflatable: &mut u64) -> Result<()> {
        self.stored.take(bytes);
        if self.head.len() == MAGIC_BYTES {
            return self.inflate(bytes, inflatable);
        }
        let (head, rest) = bytes.split_at(bytes.len().min(MAGIC_BYTES - self.head.len()));
        self.head.extend_from_slice(head);
        if self.head.len() < MAGIC_BYTES {
            return Ok(());
        }
        self.begin();
        let head = std::mem::take(&mut self.head);
        self.inflate(&head, inflatable)?;
        self.head = head;
        self.inflate(rest, inflatable)
    }

    fn begin(&mut self) {
        match Packing::of(&self.head) {
            Packing::Gzip => {
                self.inside = Some(Inside::Gzip(Box::new(MultiGzDecoder::new(Tally::default()))));
            }
            Packing::Zstd => match ZstdFrames::new() {
                Ok(frames) => self.inside = Some(Inside::Zstd(Box::new(frames), Tally::default())),
                Err(error) => self.broken = Some(error.to_string()),
            },
            Packing::None | Packing::Foreign(_) => {}
        }
    }

    fn inflate(&mut self, bytes: &[u8], inflatable: &mut u64) -> Result<()> {
        let Some(inside) = self.inside.as_mut().filter(|_| self.broken.is_none()) else {
            return Ok(());
        };
        let before = inside.tally().bytes;
        let outcome = match inside {
            Inside::Gzip(decoder) => decoder.write_all(bytes),
            Inside::Zstd(frames, tally) => frames.inflate(bytes, |plain| tally.take(plain)),
        };
        if let Err(error) = outcome {
            self.broken = Some(error.to_string());
        }
        let grown = inside.tally().bytes - before;
        *inflatable = inflatable.checked_sub(grown).ok_or_else(|| {
            Failure::new(
                ErrorCode::ArchiveTooComplex,
                "its compressed content inflates to more than any image has",
            )
        })?;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Blob {
        let packing = Packing::of(&self.head);
        if self.head.len() < MAGIC_BYTES {
            self.begin();
            let head = std::mem::take(&mut self.head);
            // So few bytes inflate to nothing worth counting.
            let _ = self.inflate(&head, &mut u64::MAX.clone());
        }
        let inside = self.inside.take().map(|inside| match inside {
            Inside::Gzip(decoder) => decoder.finish().map_err(|error| error.to_string()),
            Inside::Zstd(frames, tally) if frames.at_end() => Ok(tally),
            Inside::Zstd(..) => Err("it ends in the middle".to_owned()),
        });
        let (sum, size) = self.stored.finish();
        let inflated = match (self.broken, inside, packing) {
            (Some(why), _, _) => Err(why),
            (None, Some(tally), _) => tally.map(Tally::finish),
            (None, None, Packing::Foreign(name)) => Err(format!("{name} layers are not read here")),
            (None, None, _) => Ok((sum, size)),
        };
        Blob {
            sum,
            size,
            packing,
            inflated,
        }
    }
}

impl Inside {
    fn tally(&self) -> &Tally {
        match self {
            Self::Gzip(decoder) => decoder.get_ref(),
            Self::Zstd(_, tally) => tally,
        }
    }
}

/// Hashes and counts, keeps nothing.
#[derive(Default)]
pub(crate) struct Tally {
    hash: Sha256,
    pub(crate) bytes: u64,
}

impl Tally {
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    pub(crate) fn finish(self) -> (Sum, u64) {
        (Sum(self.hash.finalize().into()), self.bytes)
    }
}

impl Write for Tally {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
