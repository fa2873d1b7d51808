use std::collections::HashSet;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use imagefleet_model::{ErrorCode, Failure};

use super::closing;
use super::decide::{Decider, Known};
use super::pipe::Pipe;
use super::{TargetForm, TargetPlan};
use crate::blob::Sum;
use crate::collect::{Collected, is_root_document};
use crate::tar::{END, Entry, EntryKind, file_header, padding};
use crate::{ArchiveContents, Result};

/// The filter in front of one target.
pub(super) struct Target {
    plan: TargetPlan,
    chain_ids: HashSet<Sum>,
    blobs: HashSet<Sum>,
    /// Entries that it was not sent.
    dropped: HashSet<String>,
    /// The entry that passes now, when it is sent: what its padding will be, and whether it is a layer.
    passing: Option<(Bytes, bool)>,
    pub(super) pipe: Pipe,
}

impl Target {
    pub(super) fn new(plan: TargetPlan, pipe: Pipe) -> Self {
        let sums = |texts: &HashSet<String>| texts.iter().filter_map(|text| Sum::parse(text)).collect();
        Self {
            chain_ids: sums(&plan.held.chain_ids),
            blobs: sums(&plan.held.blobs),
            plan,
            dropped: HashSet::new(),
            passing: None,
            pipe,
        }
    }

    /// An entry begins: sends its header or drops it.
    pub(super) async fn begin(&mut self, entry: &Entry, known: Known, decider: &Decider) {
        match self.header(entry, known, decider) {
            Some(header) => {
                self.passing = Some((padding(entry.size), known.diff_id.is_some()));
                self.pipe.send(header).await;
            }
            None => self.passing = None,
        }
    }

    /// Bytes of the entry that began last.
    pub(super) async fn data(&mut self, bytes: &Bytes) {
        if self.passing.is_some() {
            self.pipe.send(bytes.clone()).await;
        }
    }

    /// That entry is over.
    pub(super) async fn end(&mut self) {
        if let Some((padding, layer)) = self.passing.take() {
            self.pipe.send(padding).await;
            if layer {
                self.pipe.counters.layers_sent.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The source is over and was true: sends the documents that name the images.
    pub(super) async fn close(&mut self, contents: &ArchiveContents, collected: &Collected) {
        let documents = self
            .check(contents)
            .and_then(|()| closing::documents(&self.plan, contents, collected));
        let documents = match documents {
            Ok(documents) => documents,
            Err(failure) => return self.pipe.fail(failure),
        };
        for (name, bytes) in documents {
            let size = bytes.len() as u64;
            self.pipe.send(file_header(&name, size)).await;
            self.pipe.send(bytes).await;
            self.pipe.send(padding(size)).await;
        }
        self.pipe.send(END).await;
        self.count(contents);
        self.pipe.finish();
    }

    fn header(&mut self, entry: &Entry, known: Known, decider: &Decider) -> Option<Bytes> {
        if self.is_held_back(entry) {
            return None;
        }
        let held = match self.plan.form {
            TargetForm::AsIs => false,
            TargetForm::Docker => known
                .diff_id
                .is_some_and(|diff_id| decider.held(&diff_id, &self.chain_ids)),
            TargetForm::Oci => known.digest.is_some_and(|digest| self.blobs.contains(&digest)),
        };
        let leads_nowhere = match &entry.kind {
            EntryKind::Symlink(target) | EntryKind::Hardlink(target) => self.dropped.contains(target),
            EntryKind::File | EntryKind::Directory => false,
        };
        if leads_nowhere || (held && entry.kind == EntryKind::File) {
            self.dropped.insert(entry.name.clone());
            return None;
        }
        if self.plan.form == TargetForm::Oci && entry.kind == EntryKind::File {
            let config = entry.name.strip_suffix(".json").and_then(Sum::parse);
            if let Some(digest) = known.digest.or(config) {
                let name = format!("blobs/sha256/{}", digest.hex());
                if name != entry.name {
                    return Some(file_header(&name, entry.size));
                }
            }
        }
        Some(entry.raw.clone())
    }

    /// What is written anew at the end, or not at all.
    fn is_held_back(&self, entry: &Entry) -> bool {
        let name = entry.name.as_str();
        match self.plan.form {
            TargetForm::AsIs if self.plan.references.is_none() => false,
            TargetForm::AsIs => is_root_document(name) && name != "oci-layout",
            TargetForm::Docker => is_root_document(name),
            // What only a docker-archive needs would be taken in as content.
            TargetForm::Oci => {
                is_root_document(name)
                    || name.ends_with("/json")
                    || name.ends_with("/VERSION")
                    || (entry.kind != EntryKind::File && !name.starts_with("blobs"))
            }
        }
    }

    /// Whether all that was dropped is really held: the source may have sent other images than the plan knew.
    fn check(&self, contents: &ArchiveContents) -> Result<()> {
        if self.plan.form != TargetForm::Docker {
            return Ok(());
        }
        let missing = contents
            .images
            .iter()
            .flat_map(|image| &image.layers)
            .find(|layer| {
                let held =
                    || Sum::parse(&layer.chain_id).is_some_and(|chain_id| self.chain_ids.contains(&chain_id));
                self.dropped.contains(&layer.path) && !held()
            });
        missing.map_or(Ok(()), |layer| {
            let message = format!(
                "the source sent another image than it announced: layer {} is missing",
                layer.diff_id
            );
            Err(Failure::passing(
                ErrorCode::Conflict,
                message,
                std::time::Duration::ZERO,
            ))
        })
    }

    fn count(&self, contents: &ArchiveContents) {
        let paths: HashSet<&str> = contents
            .images
            .iter()
            .flat_map(|image| &image.layers)
            .map(|layer| layer.path.as_str())
            .collect();
        let sent = paths.iter().filter(|path| !self.dropped.contains(**path)).count();
        self.pipe
            .counters
            .layers_total
            .store(paths.len() as u64, Ordering::Relaxed);
        self.pipe
            .counters
            .layers_sent
            .store(sent as u64, Ordering::Relaxed);
    }
}
