use std::io::Write;

use bytes::Bytes;
use serde_json::json;

use super::Tar;
use crate::blob::Sum;
use crate::chain_ids;

/// How the layers of a built image are stored where the form allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LayerPacking {
    /// Plain tars.
    #[default]
    Plain,
    /// Gzip.
    Gzip,
    /// Zstd.
    Zstd,
}

/// An image of which everything is known.
#[derive(Debug, Clone)]
pub struct BuiltImage {
    /// Familiar references.
    pub references: Vec<String>,
    /// The config blob.
    pub config: Bytes,
    /// Plain layer tars, base first.
    pub layers: Vec<Bytes>,
    /// How layouts store the layers.
    pub packing: LayerPacking,
}

/// An image for `linux/amd64` with one file of this content per layer.
#[must_use]
pub fn image(references: &[&str], layers: &[&[u8]]) -> BuiltImage {
    let layers = layers
        .iter()
        .map(|content| Tar::new().file("data", content).finish())
        .collect();
    BuiltImage::new(references, "amd64", layers)
}

impl BuiltImage {
    /// An image of these layer tars for `linux/<architecture>`.
    #[must_use]
    pub fn new(references: &[&str], architecture: &str, layers: Vec<Bytes>) -> Self {
        let mut image = Self {
            references: references.iter().map(|&reference| reference.to_owned()).collect(),
            config: Bytes::new(),
            layers,
            packing: LayerPacking::Plain,
        };
        let config = json!({
            "architecture": architecture,
            "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]},
            "created": "2026-01-05T08:00:00Z",
            "history": image.layers.iter().map(|_| json!({"created_by": "COPY"})).collect::<Vec<_>>(),
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": image.diff_ids()},
        });
        image.config = config.to_string().into();
        image
    }

    /// The same with its layers stored another way.
    #[must_use]
    pub fn packed(mut self, packing: LayerPacking) -> Self {
        self.packing = packing;
        self
    }

    /// Digest of the config.
    #[must_use]
    pub fn config_digest(&self) -> String {
        Sum::of(&self.config).to_string()
    }

    /// Diff ids, base first.
    #[must_use]
    pub fn diff_ids(&self) -> Vec<String> {
        self.layers
            .iter()
            .map(|layer| Sum::of(layer).to_string())
            .collect()
    }

    /// Chain ids, base first.
    #[must_use]
    pub fn chain_ids(&self) -> Vec<String> {
        chain_ids(&self.diff_ids())
    }

    /// The layer blobs as a layout stores them.
    #[must_use]
    pub fn blobs(&self) -> Vec<Bytes> {
        self.layers
            .iter()
            .map(|layer| pack(layer, self.packing))
            .collect()
    }

    /// The manifest that a layout has for it.
    #[must_use]
    pub fn manifest(&self) -> Bytes {
        let suffix = match self.packing {
            LayerPacking::Plain => "",
            LayerPacking::Gzip => "+gzip",
            LayerPacking::Zstd => "+zstd",
        };
        let blobs = self.blobs();
        let layers: Vec<_> = blobs
            .iter()
            .map(|blob| descriptor(&format!("application/vnd.oci.image.layer.v1.tar{suffix}"), blob))
            .collect();
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", &self.config),
            "layers": layers,
        })
        .to_string()
        .into()
    }
}

/// An OCI content descriptor of these bytes.
pub(super) fn descriptor(media_type: &str, bytes: &[u8]) -> serde_json::Value {
    json!({"mediaType": media_type, "digest": Sum::of(bytes).to_string(), "size": bytes.len()})
}

fn pack(layer: &Bytes, packing: LayerPacking) -> Bytes {
    match packing {
        LayerPacking::Plain => layer.clone(),
        LayerPacking::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(3));
            let written = encoder.write_all(layer).and_then(|()| encoder.finish());
            written.unwrap_or_default().into()
        }
        LayerPacking::Zstd => zstd::bulk::compress(layer, 3).unwrap_or_default().into(),
    }
}
