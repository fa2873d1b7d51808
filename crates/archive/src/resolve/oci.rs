use std::collections::HashSet;

use imagefleet_model::{ErrorCode, Failure};

use super::{config, corrupt, familiar, image, no_document};
use crate::collect::Collected;
use crate::document::{Descriptor, Document, Index, Manifest, platform_text};
use crate::{ArchiveImage, Result, SkippedManifest};

/// How deep indexes may stand in indexes; real ones stand in one.
const DEEPEST: usize = 4;
/// How many descriptors are followed; small files could name each other endlessly.
const MOST: usize = 10_000;

pub(super) struct Layout {
    pub(super) images: Vec<ArchiveImage>,
    pub(super) skipped: Vec<SkippedManifest>,
}

/// The images of an `index.json` (OCI image specification, "Image Layout"), nested indexes followed.
///
/// `known` are the images of the archive's `manifest.json`. Docker 25.0 wrote manifests whose layers stand in no order beside a right
/// `manifest.json`; for such an image the OCI form is passed over instead of the whole archive being refused.
pub(super) fn images(collected: &Collected, index: &[u8], known: &[ArchiveImage]) -> Result<Layout> {
    let index: Index = serde_json::from_slice(index)
        .map_err(|error| corrupt(format!("index.json cannot be read: {error}")))?;
    let Some(manifests) = index.manifests.filter(|manifests| !manifests.is_empty()) else {
        return Err(corrupt(
            "index.json names no manifest: the engine exported nothing".to_owned(),
        ));
    };
    let mut walk = Walk {
        collected,
        known,
        images: Vec::new(),
        skipped: Vec::new(),
        followed: 0,
        seen: HashSet::new(),
    };
    for descriptor in &manifests {
        walk.top(descriptor)?;
    }
    Ok(Layout {
        images: walk.images,
        skipped: walk.skipped,
    })
}

struct Walk<'a> {
    collected: &'a Collected,
    known: &'a [ArchiveImage],
    images: Vec<ArchiveImage>,
    skipped: Vec<SkippedManifest>,
    followed: usize,
    /// Manifests that were noted as skipped.
    seen: HashSet<String>,
}

/// What a descriptor of an index led to.
enum Led {
    Image(Box<ArchiveImage>),
    Skipped(&'static str),
}

impl Walk<'_> {
    /// A descriptor of `index.json` itself: what a reference points at.
    fn top(&mut self, descriptor: &Descriptor) -> Result<()> {
        let reference = descriptor
            .annotation("io.containerd.image.name")
            .or_else(|| {
                // The OCI name may be a tag alone, which says nothing.
                let name = descriptor.annotation("org.opencontainers.image.ref.name");
                name.filter(|name| name.contains([':', '/', '@']))
            })
            .and_then(familiar);
        let mut found = Vec::new();
        self.follow(descriptor, 0, &mut found)?;
        if found.is_empty() && !self.seen.contains(&descriptor.digest) && !self.includes_skipped(descriptor) {
            return Err(corrupt(format!(
                "nothing of {} is in the archive",
                descriptor.digest
            )));
        }
        for mut image in found {
            image.target_digest = image.manifest_digest.is_some().then(|| descriptor.digest.clone());
            image.references = reference.iter().cloned().collect();
            let same = self
                .images
                .iter_mut()
                .find(|before| before.config_digest == image.config_digest);
            match same {
                Some(before) => {
                    let new = image
                        .references
                        .into_iter()
                        .filter(|new| !before.references.contains(new));
                    before.references.extend(new.collect::<Vec<_>>());
                }
                None => self.images.push(image),
            }
        }
        Ok(())
    }

    /// An index of attestations alone is no image, but nothing is missing either.
    fn includes_skipped(&self, descriptor: &Descriptor) -> bool {
        let document = descriptor
            .sum()
            .and_then(|sum| self.collected.documents.get(&sum));
        let Some(Document::Index(index)) = document else {
            return false;
        };
        index.manifests.iter().flatten().any(|child| {
            let present = child
                .sum()
                .is_some_and(|sum| self.collected.by_sum.contains_key(&sum));
            present && self.seen.contains(&child.digest)
        })
    }

    fn follow(&mut self, descriptor: &Descriptor, depth: usize, found: &mut Vec<ArchiveImage>) -> Result<()> {
        self.followed += 1;
        if depth > DEEPEST || self.followed > MOST {
            let message =
                format!("its indexes stand more than {DEEPEST} deep or name more than {MOST} manifests");
            return Err(Failure::new(ErrorCode::ArchiveTooComplex, message));
        }
        let nested = depth > 0;
        let sum = descriptor
            .sum()
            .ok_or_else(|| corrupt(format!("\"{}\" is no SHA-256 digest", descriptor.digest)))?;
        let Some((name, blob)) = self.collected.content(&sum) else {
            if nested {
                self.skip(
                    descriptor,
                    if is_attestation(descriptor) {
                        "attestation"
                    } else {
                        "not_included"
                    },
                );
                return Ok(());
            }
            return Err(corrupt(format!("manifest {sum} is missing")));
        };
        if blob.size != descriptor.size {
            let message = format!(
                "entry \"{name}\" has {} bytes, its index says {}",
                blob.size, descriptor.size
            );
            return Err(corrupt(message));
        }
        match self.collected.documents.get(&sum) {
            Some(Document::Index(index)) => {
                let children = index.manifests.clone().unwrap_or_default();
                for child in &children {
                    self.follow(child, depth + 1, found)?;
                }
            }
            Some(Document::Manifest(manifest)) => match self.manifest(descriptor, manifest, nested)? {
                Led::Image(image) => found.push(*image),
                Led::Skipped(reason) => self.skip(descriptor, reason),
            },
            _ => return Err(no_document(self.collected, name, blob, "manifest")),
        }
        Ok(())
    }

    fn manifest(&self, descriptor: &Descriptor, manifest: &Manifest, nested: bool) -> Result<Led> {
        if is_attestation(descriptor) {
            return Ok(Led::Skipped("attestation"));
        }
        if !is_image_config(&manifest.config.media_type) {
            return Ok(Led::Skipped("not_an_image"));
        }
        let has = |part: &Descriptor| {
            part.sum()
                .is_some_and(|sum| self.collected.by_sum.contains_key(&sum))
        };
        let parts = || manifest.layers.iter().chain([&manifest.config]);
        if nested && !manifest.layers.is_empty() && !manifest.layers.iter().any(has) {
            return Ok(Led::Skipped("not_included"));
        }
        if let Some(missing) = parts().find(|part| !has(part) && !part.is_foreign()) {
            return Err(corrupt(format!(
                "layer or config {} of manifest {} is missing",
                missing.digest, descriptor.digest
            )));
        }
        let sum = manifest
            .config
            .sum()
            .ok_or_else(|| corrupt(format!("\"{}\" is no digest", manifest.config.digest)))?;
        let config = config(self.collected, &sum, &manifest.config.digest)?;
        let mut layers = Vec::with_capacity(manifest.layers.len());
        for layer in &manifest.layers {
            let held = layer.sum().and_then(|sum| self.collected.content(&sum));
            let Some((name, blob)) = held else {
                return Ok(Led::Skipped("not_an_image"));
            };
            if blob.size != layer.size {
                return Err(corrupt(format!(
                    "layer \"{name}\" has {} bytes, its manifest says {}",
                    blob.size, layer.size
                )));
            }
            layers.push((name, blob));
        }
        match image(config, &sum, &layers) {
            Ok(mut image) => {
                image.manifest_digest = Some(descriptor.digest.clone());
                Ok(Led::Image(Box::new(image)))
            }
            Err(failure) => {
                let digest = sum.to_string();
                let told = self.known.iter().find(|image| image.config_digest == digest);
                told.map(|image| Led::Image(Box::new(image.clone())))
                    .ok_or(failure)
            }
        }
    }

    fn skip(&mut self, descriptor: &Descriptor, reason: &str) {
        if !self.seen.insert(descriptor.digest.clone()) {
            return;
        }
        let platform = descriptor.platform.as_ref();
        self.skipped.push(SkippedManifest {
            digest: descriptor.digest.clone(),
            platform: platform.and_then(|p| platform_text(&p.os, &p.architecture, p.variant.as_deref())),
            reason: reason.to_owned(),
        });
    }
}

/// `BuildKit` marks attestations by an annotation and an impossible platform.
fn is_attestation(descriptor: &Descriptor) -> bool {
    descriptor.annotation("vnd.docker.reference.type") == Some("attestation-manifest")
        || descriptor
            .platform
            .as_ref()
            .is_some_and(|p| p.os == "unknown" && p.architecture == "unknown")
}

/// Image configs of OCI and Docker; an absent media type is taken for one.
fn is_image_config(media_type: &str) -> bool {
    matches!(
        media_type,
        "" | "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
    )
}
