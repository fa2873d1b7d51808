use std::collections::HashMap;

use bytes::Bytes;
use imagefleet_model::{ErrorCode, Failure};

use crate::blob::{Blob, BlobHasher, Sum};
use crate::document::Document;
use crate::tar::{Entry, EntryKind, Event};
use crate::{Limits, Result};

/// Everything of an archive that must be remembered: digests of all files, the links, and the JSON that images are made of.
pub(crate) struct Collected {
    limits: Limits,
    /// Files by name.
    pub(crate) files: HashMap<String, Blob>,
    /// Links by name: the path that they lead to.
    pub(crate) links: HashMap<String, String>,
    /// Where the content of this digest is.
    pub(crate) by_sum: HashMap<Sum, String>,
    /// JSON of images, by digest.
    pub(crate) documents: HashMap<Sum, Document>,
    /// `manifest.json` as it came.
    pub(crate) docker_manifest: Option<Bytes>,
    /// `index.json` as it came.
    pub(crate) oci_index: Option<Bytes>,
    remembered: usize,
    inflatable: u64,
    current: Option<Current>,
}

struct Current {
    name: String,
    hasher: BlobHasher,
    /// Its bytes, while they may be a document.
    kept: Option<Vec<u8>>,
}

impl Collected {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            inflatable: limits.inflated_bytes,
            limits,
            files: HashMap::new(),
            links: HashMap::new(),
            by_sum: HashMap::new(),
            documents: HashMap::new(),
            docker_manifest: None,
            oci_index: None,
            remembered: 0,
            current: None,
        }
    }

    /// Takes the next event. At an entry's end, gives what the file was.
    pub(crate) fn take(&mut self, event: &Event) -> Result<Option<&Blob>> {
        match event {
            Event::Entry(entry) => self.begin(entry).map(|()| None),
            Event::Data(bytes) => self.data(bytes).map(|()| None),
            Event::EntryEnd => self.end(),
            Event::End => Ok(None),
        }
    }

    /// The file at this path, through links.
    pub(crate) fn file(&self, path: &str) -> Option<(&str, &Blob)> {
        let mut path = path.strip_prefix("./").unwrap_or(path);
        // Links may form a ring; no writer chains more than one.
        for _ in 0..8 {
            if let Some((name, blob)) = self.files.get_key_value(path) {
                return Some((name, blob));
            }
            path = self.links.get(path)?;
        }
        None
    }

    /// The file with this content.
    pub(crate) fn content(&self, sum: &Sum) -> Option<(&str, &Blob)> {
        self.by_sum.get(sum).and_then(|name| self.file(name))
    }

    fn begin(&mut self, entry: &Entry) -> Result<()> {
        self.remember(entry.name.len())?;
        match &entry.kind {
            EntryKind::Directory => {}
            EntryKind::File => {
                let kept = (entry.size <= self.limits.document_bytes as u64).then(Vec::new);
                if kept.is_none() && is_root_document(&entry.name) {
                    let message = format!(
                        "{} has {} bytes; at most {} are read",
                        entry.name, entry.size, self.limits.document_bytes
                    );
                    return Err(Failure::new(ErrorCode::ArchiveTooComplex, message));
                }
                self.current = Some(Current {
                    name: entry.name.clone(),
                    hasher: BlobHasher::new(),
                    kept,
                });
            }
            EntryKind::Symlink(target) | EntryKind::Hardlink(target) => {
                self.remember(target.len())?;
                let other = self.files.contains_key(&entry.name)
                    || self.links.get(&entry.name).is_some_and(|before| before != target);
                if other {
                    return Err(twice(&entry.name));
                }
                self.links.insert(entry.name.clone(), target.clone());
            }
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        if let Some(kept) = &mut current.kept {
            let json = kept
                .first()
                .or(bytes.first())
                .is_some_and(|first| b"{[ \t\r\n".contains(first));
            if json || is_root_document(&current.name) {
                kept.extend_from_slice(bytes);
            } else {
                current.kept = None;
            }
        }
        current.hasher.push(bytes, &mut self.inflatable)
    }

    fn end(&mut self) -> Result<Option<&Blob>> {
        let Some(current) = self.current.take() else {
            return Ok(None);
        };
        let Current { name, hasher, kept } = current;
        let blob = hasher.finish();
        if let Some(claimed) = claimed_sum(&name)
            && claimed != blob.sum
        {
            let message = format!(
                "entry \"{name}\" lies about its content: its digest is {}",
                blob.sum
            );
            return Err(Failure::new(ErrorCode::ArchiveCorrupt, message));
        }
        if self.links.contains_key(&name)
            || self.files.get(&name).is_some_and(|before| before.sum != blob.sum)
        {
            return Err(twice(&name));
        }
        if let Some(kept) = kept {
            self.keep(&name, blob.sum, kept)?;
        }
        self.by_sum.entry(blob.sum).or_insert_with(|| name.clone());
        Ok(Some(self.files.entry(name).insert_entry(blob).into_mut()))
    }

    fn keep(&mut self, name: &str, sum: Sum, bytes: Vec<u8>) -> Result<()> {
        match name {
            "manifest.json" => {
                self.remember(bytes.len())?;
                self.docker_manifest = Some(bytes.into());
            }
            "index.json" => {
                self.remember(bytes.len())?;
                self.oci_index = Some(bytes.into());
            }
            _ => {
                let document = Document::read(&bytes);
                if !matches!(document, Document::Other) {
                    self.remember(bytes.len())?;
                    self.documents.insert(sum, document);
                }
            }
        }
        Ok(())
    }

    fn remember(&mut self, bytes: usize) -> Result<()> {
        self.remembered += bytes;
        if self.remembered > self.limits.documents_bytes {
            let message = format!(
                "its names, indexes, manifests and configs have more than {} bytes together",
                self.limits.documents_bytes
            );
            return Err(Failure::new(ErrorCode::ArchiveTooComplex, message));
        }
        Ok(())
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// The documents that are known by name, not by digest.
pub(crate) fn is_root_document(name: &str) -> bool {
    matches!(
        name,
        "manifest.json" | "index.json" | "oci-layout" | "repositories"
    )
}

/// The digest that a name promises: `blobs/sha256/<64 digits>`, and `<64 digits>.json` of a docker-archive's config.
fn claimed_sum(name: &str) -> Option<Sum> {
    name.strip_prefix("blobs/sha256/")
        .or_else(|| name.strip_suffix(".json").filter(|stem| stem.len() == 64))
        .and_then(Sum::parse)
}

fn twice(name: &str) -> Failure {
    Failure::new(
        ErrorCode::ArchiveCorrupt,
        format!("entry \"{name}\" is there twice with different content"),
    )
}
