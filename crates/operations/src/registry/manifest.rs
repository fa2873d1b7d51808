use imagefleet_model::{ErrorCode, Failure};
use reqwest::StatusCode;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{RegistryClient, TagPlatform};

/// What a manifest may be (OCI image specification; Docker image manifest version 2, schema 2).
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
                      application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// Platforms of one tag that are measured; real images have about ten.
const MOST_PLATFORMS: usize = 32;

/// The parts of a manifest or index that tell platform and size.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    #[serde(default)]
    size: u64,
    platform: Option<PlatformJson>,
}

/// A platform, or the part of a configuration that tells it.
#[derive(Deserialize)]
struct PlatformJson {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    variant: Option<String>,
}

impl PlatformJson {
    fn text(&self) -> String {
        let variant = self.variant.as_deref().filter(|variant| !variant.is_empty());
        match variant {
            Some(variant) => format!("{}/{}/{variant}", self.os, self.architecture),
            None => format!("{}/{}", self.os, self.architecture),
        }
    }
}

impl RegistryClient {
    /// The digest of a tag and what it holds for each platform.
    pub(super) async fn describe(
        &self,
        repository: &str,
        tag: &str,
    ) -> Result<(String, Vec<TagPlatform>), Failure> {
        let (digest, manifest) = self.manifest(repository, tag).await?;
        if let Some(config) = &manifest.config {
            let platform = self.platform_of(repository, &config.digest).await?;
            let size = size_of(&manifest);
            let only = TagPlatform {
                platform,
                digest: digest.clone(),
                size: Some(size),
            };
            return Ok((digest, vec![only]));
        }
        let mut platforms = Vec::new();
        for child in manifest.manifests.iter().take(MOST_PLATFORMS) {
            let Some(platform) = child
                .platform
                .as_ref()
                .filter(|platform| platform.os != "unknown")
            else {
                // Attestations stand in an index as images for no platform.
                continue;
            };
            let size = self
                .manifest(repository, &child.digest)
                .await
                .ok()
                .map(|(_, child)| size_of(&child));
            platforms.push(TagPlatform {
                platform: Some(platform.text()),
                digest: child.digest.clone(),
                size,
            });
        }
        Ok((digest, platforms))
    }

    async fn manifest(&self, repository: &str, reference: &str) -> Result<(String, Manifest), Failure> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let response = self.get(&path, ACCEPT, &pull_scope(repository)).await?;
        let told = response
            .headers()
            .get("docker-content-digest")
            .and_then(|value| value.to_str().ok())
            .map(ToOwned::to_owned);
        let body = self.good_body(response).await?;
        let digest = told.unwrap_or_else(|| format!("sha256:{}", hex::encode(Sha256::digest(&body))));
        let manifest = serde_json::from_slice(&body).map_err(|_| {
            Failure::new(
                ErrorCode::Unsupported,
                format!("{repository}:{reference} has a manifest of a form that is no longer used."),
            )
        })?;
        Ok((digest, manifest))
    }

    /// The platform that an image's configuration names; `None` when it cannot be read.
    async fn platform_of(&self, repository: &str, digest: &str) -> Result<Option<String>, Failure> {
        let path = format!("/v2/{repository}/blobs/{digest}");
        let response = self.get(&path, "*/*", &pull_scope(repository)).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let body = self.good_body(response).await?;
        let config: Option<PlatformJson> = serde_json::from_slice(&body).ok();
        Ok(config
            .filter(|config| !config.os.is_empty())
            .map(|config| config.text()))
    }
}

/// Bytes that a pull moves when nothing is there yet.
fn size_of(manifest: &Manifest) -> u64 {
    let config = manifest.config.as_ref().map_or(0, |config| config.size);
    manifest
        .layers
        .iter()
        .fold(config, |sum, layer| sum.saturating_add(layer.size))
}

pub fn pull_scope(repository: &str) -> String {
    format!("repository:{repository}:pull")
}
