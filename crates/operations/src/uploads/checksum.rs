use sha2::Digest as _;

/// What the bytes of one request must sum up to (tus 1.0, extension "checksum").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// What it must be.
    pub sum: Vec<u8>,
}

/// The sums that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// The one that every tus server must know.
    Sha1,
    /// A better one.
    Sha256,
}

impl Algorithm {
    /// The algorithm of that word, as tus writes it.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            _ => None,
        }
    }

    pub(super) fn start(self) -> Running {
        match self {
            Self::Sha1 => Running::Sha1(sha1::Sha1::new()),
            Self::Sha256 => Running::Sha256(sha2::Sha256::new()),
        }
    }
}

/// A sum under way.
#[derive(Debug)]
pub(super) enum Running {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
}

impl Running {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(sum) => sum.update(bytes),
            Self::Sha256(sum) => sum.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(sum) => sum.finalize().to_vec(),
            Self::Sha256(sum) => sum.finalize().to_vec(),
        }
    }
}
