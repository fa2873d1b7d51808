//! The JSON inside an archive: OCI image specification 1.1 (index, manifest, config) and Docker image specification 1.2
//! (`manifest.json`), as far as loading needs them.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::blob::Sum;

/// A JSON blob that images are made of.
#[derive(Debug, Clone)]
pub(crate) enum Document {
    Index(Index),
    Manifest(Manifest),
    Config(Config),
    /// JSON of another kind, or none.
    Other,
}

impl Document {
    /// What a blob is, by the fields that it has: media types are optional in half of what exists.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let Ok(fields) = serde_json::from_slice::<BTreeMap<&str, &RawValue>>(bytes) else {
            return Self::Other;
        };
        let has = |field: &str| fields.contains_key(field);
        let read = if has("rootfs") {
            serde_json::from_slice(bytes).map(Self::Config)
        } else if has("layers") && has("config") {
            serde_json::from_slice(bytes).map(Self::Manifest)
        } else if has("manifests") {
            serde_json::from_slice(bytes).map(Self::Index)
        } else {
            return Self::Other;
        };
        read.unwrap_or(Self::Other)
    }
}

/// OCI image index, Docker manifest list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Index {
    pub(crate) manifests: Option<Vec<Descriptor>>,
}

/// OCI content descriptor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<DescriptorPlatform>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) annotations: Option<BTreeMap<String, String>>,
}

impl Descriptor {
    pub(crate) fn sum(&self) -> Option<Sum> {
        self.digest
            .starts_with("sha256:")
            .then(|| Sum::parse(&self.digest))
            .flatten()
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// Layers that only their publisher may hand out (OCI image specification, "Non-Distributable Layers").
    pub(crate) fn is_foreign(&self) -> bool {
        self.media_type.contains("nondistributable") || self.media_type.contains(".foreign.")
    }
}

/// The platform of a descriptor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DescriptorPlatform {
    #[serde(default)]
    pub(crate) os: String,
    #[serde(default)]
    pub(crate) architecture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
}

/// OCI image manifest, Docker manifest v2.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

/// Image config.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Config {
    pub(crate) rootfs: RootFs,
    #[serde(default)]
    pub(crate) os: String,
    #[serde(default)]
    pub(crate) architecture: String,
    pub(crate) variant: Option<String>,
    pub(crate) created: Option<String>,
}

impl Config {
    pub(crate) fn platform(&self) -> Option<String> {
        platform_text(&self.os, &self.architecture, self.variant.as_deref())
    }
}

/// The layers of a config.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RootFs {
    pub(crate) diff_ids: Option<Vec<String>>,
}

/// One image of a `manifest.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DockerImage {
    pub(crate) config: String,
    pub(crate) repo_tags: Option<Vec<String>>,
    pub(crate) layers: Option<Vec<String>>,
    /// `Parent`, `LayerSources` and what else there is: kept when it is written again.
    #[serde(flatten)]
    pub(crate) more: HashMap<String, serde_json::Value>,
}

/// `os/arch[/variant]`, when there is enough for it.
pub(crate) fn platform_text(os: &str, architecture: &str, variant: Option<&str>) -> Option<String> {
    if os.is_empty() || architecture.is_empty() {
        return None;
    }
    let variant = variant.filter(|variant| !variant.is_empty());
    Some(variant.map_or_else(
        || format!("{os}/{architecture}"),
        |variant| format!("{os}/{architecture}/{variant}"),
    ))
}
