use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Compression;

/// What an archive holds, everything in it checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveContents {
    /// How the file as a whole is compressed.
    pub compression: Compression,
    /// The forms that it can be read as.
    pub forms: ArchiveForms,
    /// The images, in the order in which the archive names them; one per platform.
    pub images: Vec<ArchiveImage>,
    /// Manifests that are there or named, but are no image that can be loaded.
    pub skipped: Vec<SkippedManifest>,
    /// Entries of the tar.
    pub entries: u64,
    /// Bytes of the tar, inflated.
    pub tar_bytes: u64,
}

impl ArchiveContents {
    /// All references, each once; the platforms of one image share theirs.
    #[must_use]
    pub fn references(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for reference in self.images.iter().flat_map(|image| &image.references) {
            if !all.contains(&reference.as_str()) {
                all.push(reference);
            }
        }
        all
    }

    /// Images as people count them: the platforms of one index are one. Only an archive of one can be given another name.
    #[must_use]
    pub fn distinct_images(&self) -> usize {
        let targets = self
            .images
            .iter()
            .map(|image| image.target_digest.as_ref().unwrap_or(&image.config_digest));
        targets.collect::<std::collections::HashSet<_>>().len()
    }
}

/// Docker 25 and later write both forms into one archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveForms {
    /// Has a `manifest.json` (Docker image specification 1.2).
    pub docker: bool,
    /// Has an `index.json` (OCI image layout).
    pub oci: bool,
}

/// One image for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveImage {
    /// Familiar references (`nginx:1.27`), none when it is untagged.
    pub references: Vec<String>,
    /// Digest of its config: the image id on a classic store.
    pub config_digest: String,
    /// Digest of its manifest, when the archive is an OCI layout.
    pub manifest_digest: Option<String>,
    /// Digest of what the reference points at: the index of a multi-platform image, else the manifest. The image id on a containerd store.
    pub target_digest: Option<String>,
    /// `os/arch[/variant]`.
    pub platform: Option<String>,
    /// When it was built, as the config says it (RFC 3339).
    pub created: Option<String>,
    /// Bytes of its layers, inflated.
    pub size: u64,
    /// The layers, base first.
    pub layers: Vec<ArchiveLayer>,
}

impl ArchiveImage {
    /// The diff ids, base first.
    #[must_use]
    pub fn diff_ids(&self) -> Vec<String> {
        self.layers.iter().map(|layer| layer.diff_id.clone()).collect()
    }
}

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveLayer {
    /// Digest of the blob as the archive holds it.
    pub digest: String,
    /// Digest of the inflated tar.
    pub diff_id: String,
    /// Digest of it and everything below (OCI image specification, "Layer `ChainID`").
    pub chain_id: String,
    /// Its blob's OCI media type.
    pub media_type: String,
    /// Bytes of the blob as the archive holds it.
    pub size: u64,
    /// Bytes inflated.
    pub inflated_size: u64,
    /// The entry that holds it.
    pub path: String,
}

/// A manifest that is not among the images, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkippedManifest {
    /// Its digest.
    pub digest: String,
    /// Its platform, when it says one.
    pub platform: Option<String>,
    /// `attestation`, `not_included` (another platform that was not saved) or `not_an_image`.
    pub reason: String,
}

/// Chain ids of these layers, base first (OCI image specification, "Layer `ChainID`").
#[must_use]
pub fn chain_ids(diff_ids: &[String]) -> Vec<String> {
    let mut chain: Vec<String> = Vec::with_capacity(diff_ids.len());
    for diff_id in diff_ids {
        let next = match chain.last() {
            None => diff_id.clone(),
            Some(below) => format!(
                "sha256:{}",
                hex::encode(Sha256::digest(format!("{below} {diff_id}")))
            ),
        };
        chain.push(next);
    }
    chain
}
