use super::{config, corrupt, familiar, image};
use crate::blob::Sum;
use crate::collect::Collected;
use crate::document::DockerImage;
use crate::{ArchiveImage, Result};

/// The images of a `manifest.json` (Docker image specification 1.2, "Combined Image JSON + Filesystem Changeset Format").
pub(super) fn images(collected: &Collected, manifest: &[u8]) -> Result<Vec<ArchiveImage>> {
    let named: Option<Vec<DockerImage>> = serde_json::from_slice(manifest)
        .map_err(|error| corrupt(format!("manifest.json cannot be read: {error}")))?;
    let named = named.unwrap_or_default();
    if named.is_empty() {
        return Err(corrupt("manifest.json names no image".to_owned()));
    }
    let mut images: Vec<ArchiveImage> = Vec::with_capacity(named.len());
    for one in &named {
        let mut image = one_image(collected, one)?;
        for tag in one.repo_tags.iter().flatten() {
            let reference = familiar(tag)
                .ok_or_else(|| corrupt(format!("manifest.json has a reference that is none: \"{tag}\"")))?;
            image.references.push(reference);
        }
        match images
            .iter_mut()
            .find(|before| before.config_digest == image.config_digest)
        {
            Some(before) => before.references.extend(image.references),
            None => images.push(image),
        }
    }
    Ok(images)
}

fn one_image(collected: &Collected, named: &DockerImage) -> Result<ArchiveImage> {
    let (path, blob) = collected
        .file(&named.config)
        .ok_or_else(|| corrupt(format!("config \"{}\" is missing", named.config)))?;
    let config = config(collected, &blob.sum, path)?;
    // An image id is its config's digest; the name must not promise another (`<digest>.json`, or a blob behind a link).
    let stem = named.config.rsplit('/').next().unwrap_or_default();
    let claimed = Sum::parse(stem.strip_suffix(".json").unwrap_or(stem));
    if claimed.is_some_and(|claimed| claimed != blob.sum) {
        return Err(corrupt(format!(
            "config \"{}\" lies about its content: its digest is {}",
            named.config, blob.sum
        )));
    }
    let mut layers = Vec::new();
    for name in named.layers.iter().flatten() {
        let layer = collected
            .file(name)
            .ok_or_else(|| corrupt(format!("layer \"{name}\" of image {} is missing", called(named))))?;
        layers.push(layer);
    }
    image(config, &blob.sum, &layers)
}

fn called(named: &DockerImage) -> &str {
    named.repo_tags.iter().flatten().next().unwrap_or(&named.config)
}
