use imagefleet_engine::Body;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// An archive in `docker save`'s form with one image of two layers that nobody else has.
pub struct Archive {
    pub bytes: Vec<u8>,
    pub config_digest: String,
    pub diff_ids: Vec<String>,
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Bytes that do not compress, the same for the same words.
fn noise(words: &str, length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + 32);
    let mut block = Sha256::digest(words.as_bytes());
    while out.len() < length {
        out.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    out.truncate(length);
    out
}

async fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tokio_tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tokio_tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder
            .append_data(&mut header, path, *bytes)
            .await
            .expect("into memory");
    }
    builder.into_inner().await.expect("into memory")
}

impl Archive {
    pub async fn new(words: &str, tags: &[&str], layer_bytes: usize) -> Self {
        let mut layers = Vec::new();
        for number in 0..2 {
            let content = noise(&format!("{words} {number}"), layer_bytes);
            layers.push(tar(&[(&format!("data-{number}"), &content)]).await);
        }
        let diff_ids: Vec<String> = layers.iter().map(|layer| sha256(layer)).collect();
        let config = json!({
            "architecture": "amd64", "os": "linux", "created": "2026-01-05T08:00:00Z",
            "config": {"Env": ["PATH=/bin", "WORDS=some"], "Cmd": ["/data-0"], "ExposedPorts": {"80/tcp": {}}, "Labels": {"l": words}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [
                {"created": "2026-01-05T08:00:00Z", "created_by": "COPY data-0"},
                {"created": "2026-01-05T08:00:00Z", "created_by": "ENV WORDS=some", "empty_layer": true},
                {"created": "2026-01-05T08:00:00Z", "created_by": "COPY data-1"},
            ],
        })
        .to_string();
        let config_digest = sha256(config.as_bytes());
        let hex = config_digest.trim_start_matches("sha256:");
        let manifest: Value = json!([{
            "Config": format!("{hex}.json"), "RepoTags": tags, "Layers": ["one/layer.tar", "two/layer.tar"],
        }]);
        let bytes = tar(&[
            (&format!("{hex}.json"), config.as_bytes()),
            ("one/layer.tar", &layers[0]),
            ("two/layer.tar", &layers[1]),
            ("manifest.json", manifest.to_string().as_bytes()),
        ])
        .await;
        Self {
            bytes,
            config_digest,
            diff_ids,
        }
    }

    /// As chunks of an upload.
    pub fn body(&self) -> Body {
        body(&self.bytes)
    }
}

pub fn body(bytes: &[u8]) -> Body {
    let chunks: Vec<_> = bytes
        .chunks(64 * 1024)
        .map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk)))
        .collect();
    Box::pin(futures_util::stream::iter(chunks))
}
