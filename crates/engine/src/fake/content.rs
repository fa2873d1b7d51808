use std::sync::Arc;

use imagefleet_model::{ImageRef, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::random::Random;
use super::tar;

/// Layers that many images stand on.
const BASES: u64 = 64;
const MIB: u64 = 1024 * 1024;
/// 2026-01-01; images were built in the year before it.
const BUILT_BEFORE: i64 = 1_767_225_600;
const YEAR: u64 = 31_536_000;

/// What an image is made of. Shared by every engine that holds it.
#[derive(Debug)]
pub(super) struct Content {
    /// Digest of the configuration.
    pub config_digest: Arc<str>,
    /// Digest of the manifest.
    pub manifest_digest: Arc<str>,
    pub config: Vec<u8>,
    pub manifest: Vec<u8>,
    pub layers: Vec<Layer>,
    pub created_at: Timestamp,
}

/// One layer. Its real bytes are few and made when they are needed; `size` is what it pretends to hold.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub diff_id: Arc<str>,
    pub size: u64,
    pub tar_size: usize,
    pub bytes: LayerBytes,
}

/// Where a layer's real bytes are.
#[derive(Debug, Clone)]
pub(super) enum LayerBytes {
    /// They follow from a seed.
    Made(u64),
    /// They came in an archive.
    Kept(Arc<[u8]>),
}

impl Layer {
    fn made(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let tar = layer_tar(seed);
        Self {
            diff_id: sha256(&tar).into(),
            tar_size: tar.len(),
            size: MIB / 2 + random.below(60 * MIB),
            bytes: LayerBytes::Made(seed),
        }
    }

    pub fn tar(&self) -> Vec<u8> {
        match &self.bytes {
            LayerBytes::Made(seed) => layer_tar(*seed),
            LayerBytes::Kept(bytes) => bytes.to_vec(),
        }
    }

    /// As engines print it in progress.
    pub fn short_id(&self) -> &str {
        self.diff_id
            .strip_prefix("sha256:")
            .and_then(|hex| hex.get(..12))
            .unwrap_or(&self.diff_id)
    }
}

fn layer_tar(seed: u64) -> Vec<u8> {
    tar::file(&format!("files/{seed:016x}"), &seed.to_le_bytes().repeat(16))
}

impl Content {
    /// The content that a registry has under that reference, the same for the same seed and generation.
    pub fn generated(seed: u64, reference: &ImageRef, generation: u64) -> Self {
        let name = Random::of(seed, &reference.canonical_repository());
        let version = Random::of(name, reference.tag().or(reference.digest()).unwrap_or_default());
        let mut random = Random::new(version ^ generation.rotate_left(17));
        let base = name % BASES;
        let mut layers = vec![Layer::made(base), Layer::made(base ^ 0xba5e_0000)];
        for _ in 0..=random.below(3) {
            layers.push(Layer::made(random.next() | 1 << 63));
        }
        let seconds = BUILT_BEFORE - i64::try_from(random.below(YEAR)).unwrap_or(0);
        let created_at = Timestamp::from_timestamp(seconds, 0).unwrap_or_default();
        let history: Vec<Value> = layers
            .iter()
            .map(|layer| json!({"created": created_at, "created_by": format!("COPY {} /files", layer.short_id())}))
            .chain([json!({"created": created_at, "created_by": "CMD [\"sleep\"]", "empty_layer": true})])
            .collect();
        let config = json!({
            "architecture": "amd64", "os": "linux", "created": created_at,
            "config": {
                "Env": ["PATH=/bin"], "Cmd": ["sleep"], "ExposedPorts": {"80/tcp": {}},
                "Labels": {"org.opencontainers.image.title": reference.repository()},
            },
            "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|layer| &*layer.diff_id).collect::<Vec<_>>()},
            "history": history,
        });
        Self::new(config.to_string().into_bytes(), layers, created_at)
    }

    pub fn new(config: Vec<u8>, layers: Vec<Layer>, created_at: Timestamp) -> Self {
        let config_digest = sha256(&config);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest, "size": config.len()},
            "layers": layers.iter().map(|layer| json!({
                "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": &*layer.diff_id, "size": layer.tar_size,
            })).collect::<Vec<_>>(),
        })
        .to_string()
        .into_bytes();
        Self {
            config_digest: config_digest.into(),
            manifest_digest: sha256(&manifest).into(),
            config,
            manifest,
            layers,
            created_at,
        }
    }

    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).sum()
    }

    pub fn config_json(&self) -> Value {
        serde_json::from_slice(&self.config).unwrap_or_default()
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
