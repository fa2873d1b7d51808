use bytes::Bytes;

use crate::tar::{END, directory_header, file_header, link_header, padding};

/// Writes a tar in memory, entry by entry, safe or not.
#[derive(Debug, Clone, Default)]
pub struct Tar {
    bytes: Vec<u8>,
}

impl Tar {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, name: &str, content: &[u8]) -> Self {
        self.bytes
            .extend_from_slice(&file_header(name, content.len() as u64));
        self.bytes.extend_from_slice(content);
        self.bytes.extend_from_slice(&padding(content.len() as u64));
        self
    }

    /// Adds a folder.
    #[must_use]
    pub fn folder(mut self, name: &str) -> Self {
        self.bytes.extend_from_slice(&directory_header(name));
        self
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn symlink(mut self, name: &str, target: &str) -> Self {
        self.bytes.extend_from_slice(&link_header(name, target, true));
        self
    }

    /// Adds a hard link.
    #[must_use]
    pub fn hard_link(mut self, name: &str, target: &str) -> Self {
        self.bytes.extend_from_slice(&link_header(name, target, false));
        self
    }

    /// Adds blocks as they are.
    #[must_use]
    pub fn raw(mut self, blocks: &[u8]) -> Self {
        self.bytes.extend_from_slice(blocks);
        self
    }

    /// The tar with its end.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        self.bytes.extend_from_slice(&END);
        self.bytes.into()
    }
}
