use std::collections::{HashMap, HashSet};

use super::{SourceImage, legacy};
use crate::blob::Sum;
use crate::chain_ids;
use crate::collect::Collected;
use crate::document::Document;
use crate::tar::Entry;

/// Bytes of a folder's `json`; real ones have one or two thousand.
const MOST_OF_A_FOLDER: u64 = 256 << 10;

/// What is known of an entry before its bytes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Known {
    /// The layer that it is.
    pub(super) diff_id: Option<Sum>,
    /// The digest of its bytes.
    pub(super) digest: Option<Sum>,
}

/// Tells which entry is which layer (see the module's text).
pub(super) struct Decider {
    /// Chain ids under which the plan's images use a layer, by diff id.
    uses: HashMap<Sum, HashSet<Sum>>,
    /// Diff id by chain id.
    chains: HashMap<Sum, Sum>,
    /// Diff id by blob digest; a diff id is the digest of its plain blob.
    digests: HashMap<Sum, Sum>,
    /// What an earlier look told, by entry.
    paths: HashMap<String, Known>,
    /// Diff id by folder of a classic save.
    folders: HashMap<String, Sum>,
    /// Documents seen at the last learning.
    documents: usize,
}

impl Decider {
    pub(super) fn new(images: &[SourceImage]) -> Self {
        let mut decider = Self {
            uses: HashMap::new(),
            chains: HashMap::new(),
            digests: HashMap::new(),
            paths: HashMap::new(),
            folders: HashMap::new(),
            documents: 0,
        };
        for image in images {
            let diff_ids: Vec<String> = image.layers.iter().map(|layer| layer.diff_id.clone()).collect();
            for (layer, chain_id) in image.layers.iter().zip(chain_ids(&diff_ids)) {
                let (Some(diff_id), Some(chain_id)) = (Sum::parse(&layer.diff_id), Sum::parse(&chain_id))
                else {
                    continue;
                };
                decider.uses.entry(diff_id).or_default().insert(chain_id);
                decider.chains.insert(chain_id, diff_id);
                decider.digests.insert(diff_id, diff_id);
                let digest = layer.digest.as_deref().and_then(Sum::parse);
                if let Some(digest) = digest {
                    decider.digests.insert(digest, diff_id);
                }
                if let Some(path) = &layer.path {
                    decider.paths.insert(
                        path.clone(),
                        Known {
                            diff_id: Some(diff_id),
                            digest,
                        },
                    );
                }
            }
        }
        decider
    }

    /// Distinct layers of the plan.
    pub(super) fn layers(&self) -> usize {
        self.uses.len()
    }

    /// Whether a target with these chain ids has the layer wherever the plan's images use it.
    pub(super) fn held(&self, diff_id: &Sum, chain_ids: &HashSet<Sum>) -> bool {
        self.uses
            .get(diff_id)
            .is_some_and(|uses| uses.iter().all(|chain_id| chain_ids.contains(chain_id)))
    }

    /// What this file will be.
    pub(super) fn known(&self, entry: &Entry) -> Known {
        if let Some(known) = self.paths.get(&entry.name) {
            return *known;
        }
        if let Some(digest) = entry.name.strip_prefix("blobs/sha256/").and_then(Sum::parse) {
            return Known {
                diff_id: self.digests.get(&digest).copied(),
                digest: Some(digest),
            };
        }
        let named = entry
            .name
            .strip_suffix(".tar")
            .and_then(Sum::parse)
            .filter(|sum| self.uses.contains_key(sum));
        let folder = || {
            entry
                .name
                .strip_suffix("/layer.tar")
                .and_then(|folder| self.folders.get(folder))
        };
        let diff_id = named.or_else(|| folder().copied());
        // These forms keep layers plain.
        Known {
            diff_id,
            digest: diff_id,
        }
    }

    /// Whether the file is to be given to [`Decider::learn_folder`].
    pub(super) fn wants(&self, entry: &Entry) -> bool {
        let folder = entry
            .name
            .strip_suffix("/json")
            .filter(|folder| Sum::parse(folder).is_some());
        let told = |folder| self.paths.contains_key(&format!("{folder}/layer.tar"));
        entry.size <= MOST_OF_A_FOLDER
            && folder.is_some_and(|folder| !told(folder))
            && !self.chains.is_empty()
    }

    /// Learns from `<v1 id>/json` which layer its folder has.
    pub(super) fn learn_folder(&mut self, entry: &Entry, json: &[u8]) {
        let Some(folder) = entry.name.strip_suffix("/json") else {
            return;
        };
        if let Some(chain_id) = legacy::chain_id(json, folder, self.chains.keys()) {
            self.folders.insert(folder.to_owned(), self.chains[chain_id]);
        }
    }

    /// Learns from manifests and configs that came before their layers which compressed blob is which layer.
    pub(super) fn learn_documents(&mut self, collected: &Collected) {
        if self.documents == collected.documents.len() {
            return;
        }
        self.documents = collected.documents.len();
        for document in collected.documents.values() {
            let Document::Manifest(manifest) = document else {
                continue;
            };
            let config = manifest
                .config
                .sum()
                .and_then(|sum| collected.documents.get(&sum));
            let Some(Document::Config(config)) = config else {
                continue;
            };
            let diff_ids = config
                .rootfs
                .diff_ids
                .iter()
                .flatten()
                .map(|diff_id| Sum::parse(diff_id));
            for (layer, diff_id) in manifest.layers.iter().zip(diff_ids) {
                if let (Some(digest), Some(diff_id)) = (layer.sum(), diff_id) {
                    self.digests.insert(digest, diff_id);
                }
            }
        }
    }
}
