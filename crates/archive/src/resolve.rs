//! From what was collected to what the archive holds: every config and layer found, every digest compared.

mod docker;
mod oci;

use std::collections::HashMap;

use imagefleet_model::{ErrorCode, Failure, ImageRef};

use crate::blob::{Blob, Sum};
use crate::collect::Collected;
use crate::document::{Config, Document};
use crate::packing::Packing;
use crate::{ArchiveContents, ArchiveForms, ArchiveImage, ArchiveLayer, Compression, Result, chain_ids};

/// Checks everything and says what is inside.
pub(crate) fn resolve(collected: &Collected, entries: u64, tar_bytes: u64) -> Result<ArchiveContents> {
    let forms = ArchiveForms {
        docker: collected.docker_manifest.is_some(),
        oci: collected.oci_index.is_some(),
    };
    if !forms.docker && !forms.oci {
        let what = if entries == 0 {
            "an empty tar"
        } else {
            "a tar, but neither manifest.json nor index.json is in it"
        };
        return Err(Failure::new(
            ErrorCode::NotAnArchive,
            format!("this is no image archive: it is {what}"),
        ));
    }
    let mut images = match &collected.docker_manifest {
        Some(bytes) => docker::images(collected, bytes)?,
        None => Vec::new(),
    };
    let mut skipped = Vec::new();
    if let Some(bytes) = &collected.oci_index {
        let layout = oci::images(collected, bytes, &images)?;
        merge(&mut images, layout.images);
        skipped = layout.skipped;
    }
    if images.is_empty() {
        let message = "the archive holds no image that can be loaded, only attestations or other artifacts";
        return Err(Failure::new(ErrorCode::NotAnArchive, message));
    }
    Ok(ArchiveContents {
        compression: Compression::None,
        forms,
        images,
        skipped,
        entries,
        tar_bytes,
    })
}

/// Docker 25 and later name each image in both forms.
fn merge(images: &mut Vec<ArchiveImage>, more: Vec<ArchiveImage>) {
    let mut known: HashMap<String, usize> = images
        .iter()
        .enumerate()
        .map(|(at, image)| (image.config_digest.clone(), at))
        .collect();
    for image in more {
        if let Some(at) = known.get(&image.config_digest) {
            let same = &mut images[*at];
            for reference in image.references {
                if !same.references.contains(&reference) {
                    same.references.push(reference);
                }
            }
            if same.manifest_digest.is_none() {
                same.manifest_digest = image.manifest_digest;
                same.target_digest = image.target_digest;
            }
        } else {
            known.insert(image.config_digest.clone(), images.len());
            images.push(image);
        }
    }
}

/// A reference as people know it. `None` when it is not one.
fn familiar(reference: &str) -> Option<String> {
    ImageRef::parse(reference).ok().map(|parsed| parsed.to_string())
}

/// The config of this digest.
fn config<'a>(collected: &'a Collected, sum: &Sum, called: &str) -> Result<&'a Config> {
    let Some((name, blob)) = collected.content(sum) else {
        return Err(corrupt(format!("config {called} is missing")));
    };
    match collected.documents.get(sum) {
        Some(Document::Config(config)) => Ok(config),
        _ => Err(no_document(collected, name, blob, "config")),
    }
}

/// Why a blob that should be a document is none.
fn no_document(collected: &Collected, name: &str, blob: &Blob, what: &str) -> Failure {
    let most = collected.limits().document_bytes;
    if blob.size > most as u64 {
        let message = format!(
            "{what} \"{name}\" has {} bytes; at most {most} are read",
            blob.size
        );
        return Failure::new(ErrorCode::ArchiveTooComplex, message);
    }
    corrupt(format!("entry \"{name}\" is named as a {what}, but is none"))
}

/// The image of a config whose layers are in these entries, base first.
fn image(config: &Config, sum: &Sum, layers: &[(&str, &Blob)]) -> Result<ArchiveImage> {
    let diff_ids = config.rootfs.diff_ids.clone().unwrap_or_default();
    if diff_ids.len() != layers.len() {
        return Err(corrupt(format!(
            "config {sum} names {} layers, its manifest {}",
            diff_ids.len(),
            layers.len()
        )));
    }
    let mut found = Vec::with_capacity(layers.len());
    for ((diff_id, chain_id), (path, blob)) in diff_ids.iter().zip(chain_ids(&diff_ids)).zip(layers) {
        let (inflated, inflated_size) = match &blob.inflated {
            Ok(inflated) => *inflated,
            Err(why) => return Err(corrupt(format!("layer \"{path}\" does not inflate: {why}"))),
        };
        if Sum::parse(diff_id) != Some(inflated) {
            return Err(corrupt(format!(
                "layer \"{path}\" is not the one that config {sum} names: {inflated} instead of {diff_id}"
            )));
        }
        found.push(ArchiveLayer {
            digest: blob.sum.to_string(),
            diff_id: diff_id.clone(),
            chain_id,
            media_type: media_type(blob.packing).to_owned(),
            size: blob.size,
            inflated_size,
            path: (*path).to_owned(),
        });
    }
    Ok(ArchiveImage {
        references: Vec::new(),
        config_digest: sum.to_string(),
        manifest_digest: None,
        target_digest: None,
        platform: config.platform(),
        created: config.created.clone(),
        size: found.iter().map(|layer| layer.inflated_size).sum(),
        layers: found,
    })
}

/// OCI image specification, "Image Layer Filesystem Changeset".
const fn media_type(packing: Packing) -> &'static str {
    match packing {
        Packing::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        Packing::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        Packing::None | Packing::Foreign(_) => "application/vnd.oci.image.layer.v1.tar",
    }
}

fn corrupt(what: String) -> Failure {
    Failure::new(ErrorCode::ArchiveCorrupt, what)
}
