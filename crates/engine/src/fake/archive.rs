//! `docker save` and `docker load` in small: real archives, in memory.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use imagefleet_model::{ErrorCode, Failure, ImageRef, ImageStore, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio_util::io::StreamReader;

use super::FakeEngine;
use super::content::{Content, Layer, LayerBytes, sha256};
use super::tar;
use crate::{Body, Result, Stream};

/// Files larger than this are hashed and forgotten.
const KEPT: usize = 1024 * 1024;
/// Archives leave in pieces of this size.
const PIECE: usize = 16 * 1024;

impl FakeEngine {
    /// An archive as its store writes it: `docker save`'s form, and an OCI layout beside it from the containerd store.
    pub(super) fn saved(&self, names: &[String]) -> Result<Vec<u8>> {
        let mut images: Vec<(Arc<Content>, Vec<String>)> = Vec::new();
        let state = self.lock();
        for name in names {
            let content = state.content(name)?;
            let tag = ImageRef::parse(name)
                .ok()
                .filter(|reference| reference.digest().is_none())
                .map(|reference| reference.with_default_tag().to_string());
            match images
                .iter_mut()
                .find(|(known, _)| known.config_digest == content.config_digest)
            {
                Some((_, tags)) => tags.extend(tag),
                None => images.push((content, tag.into_iter().collect())),
            }
        }
        drop(state);
        Ok(write(&images, self.0.options.store == ImageStore::Containerd))
    }

    /// Takes an archive in; a line for each reference or id that it brought.
    pub(super) async fn loaded(&self, archive: Body) -> Result<Vec<String>> {
        let files = read(archive).await?;
        let store = self.0.options.store;
        let images = match (store, files.json("index.json")) {
            (ImageStore::Containerd, Some(index)) => self.images_of_layout(&files, &index)?,
            _ => self.images_of_manifest(&files)?,
        };
        let mut brought = Vec::new();
        for (content, names) in images {
            let content = Arc::new(content);
            if names.is_empty() {
                let id = self.change(|state| state.store_untagged(Arc::clone(&content)));
                brought.push(format!("Loaded image ID: {id}"));
            }
            for name in names {
                let reference = super::transfer::parse(&name)?;
                self.change(|state| state.store(&reference, Arc::clone(&content), "load"));
                brought.push(format!("Loaded image: {reference}"));
            }
        }
        Ok(brought)
    }

    /// `manifest.json`: layers that this engine holds already may be left out, but not with the containerd store.
    fn images_of_manifest(&self, files: &Files) -> Result<Vec<(Content, Vec<String>)>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Item {
            config: String,
            repo_tags: Option<Vec<String>>,
            layers: Vec<String>,
        }
        let manifest = files.json("manifest.json").ok_or_else(|| {
            refused(
                ErrorCode::NotAnArchive,
                "manifest.json: no such file or directory",
            )
        })?;
        let items: Vec<Item> = serde_json::from_value(manifest)
            .map_err(|error| refused(ErrorCode::ArchiveCorrupt, &format!("invalid manifest: {error}")))?;
        items
            .into_iter()
            .map(|item| {
                let config = files.kept(&item.config)?;
                let content = self.assemble(files, config, |at, _| item.layers.get(at).cloned())?;
                Ok((content, item.repo_tags.unwrap_or_default()))
            })
            .collect()
    }

    /// `index.json`: blobs that this engine holds already may be left out.
    fn images_of_layout(&self, files: &Files, index: &Value) -> Result<Vec<(Content, Vec<String>)>> {
        let manifests = index["manifests"].as_array().cloned().unwrap_or_default();
        if manifests.is_empty() {
            return Err(refused(
                ErrorCode::ArchiveCorrupt,
                "invalid manifest: the index names none",
            ));
        }
        manifests
            .iter()
            .map(|descriptor| {
                let manifest: Value = serde_json::from_slice(files.kept(&blob(&descriptor["digest"]))?)
                    .map_err(|error| {
                        refused(ErrorCode::ArchiveCorrupt, &format!("invalid manifest: {error}"))
                    })?;
                let config = files.kept(&blob(&manifest["config"]["digest"]))?;
                let content = self.assemble(files, config, |_, diff_id| Some(blob(&json!(diff_id))))?;
                let name = descriptor["annotations"]["io.containerd.image.name"]
                    .as_str()
                    .map(ToOwned::to_owned);
                Ok((content, name.into_iter().collect()))
            })
            .collect()
    }

    fn assemble(
        &self,
        files: &Files,
        config: &[u8],
        path: impl Fn(usize, &str) -> Option<String>,
    ) -> Result<Content> {
        #[derive(Deserialize)]
        struct Config {
            created: Option<Timestamp>,
            rootfs: RootFs,
        }
        #[derive(Deserialize)]
        struct RootFs {
            diff_ids: Vec<String>,
        }
        let parsed: Config = serde_json::from_slice(config)
            .map_err(|error| refused(ErrorCode::ArchiveCorrupt, &format!("invalid manifest: {error}")))?;
        let held = self.lock().layers();
        let mut layers = Vec::new();
        for (at, diff_id) in parsed.rootfs.diff_ids.iter().enumerate() {
            let file = path(at, diff_id).and_then(|path| files.0.get(&path));
            layers.push(match file {
                Some(file) if file.digest != *diff_id => {
                    return Err(refused(
                        ErrorCode::ArchiveCorrupt,
                        &format!(
                            "invalid diffID for layer {at}: expected \"{diff_id}\", got \"{}\"",
                            file.digest
                        ),
                    ));
                }
                Some(file) => Layer {
                    diff_id: diff_id.as_str().into(),
                    size: file.size,
                    tar_size: usize::try_from(file.size).unwrap_or(usize::MAX),
                    bytes: LayerBytes::Kept(file.bytes.clone().unwrap_or_default().into()),
                },
                None if held.contains(diff_id.as_str()) => self
                    .lock()
                    .layer(diff_id)
                    .ok_or_else(|| refused(ErrorCode::ArchiveCorrupt, "failed to resolve layers"))?,
                None => {
                    return Err(refused(
                        ErrorCode::ArchiveCorrupt,
                        &format!("failed to resolve layers: {diff_id} not found"),
                    ));
                }
            });
        }
        Ok(Content::new(
            config.to_vec(),
            layers,
            parsed.created.unwrap_or_default(),
        ))
    }
}

fn write(images: &[(Arc<Content>, Vec<String>)], layout: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut written = std::collections::HashSet::new();
    let mut put = |path: &str, bytes: &[u8]| {
        if written.insert(path.to_owned()) {
            tar::append(&mut out, path, bytes);
        }
    };
    let mut items = Vec::new();
    let mut descriptors = Vec::new();
    for (content, tags) in images {
        let place = |digest: &str| {
            let hex = digest.trim_start_matches("sha256:");
            if layout {
                format!("blobs/sha256/{hex}")
            } else {
                format!("{hex}/layer.tar")
            }
        };
        let config = if layout {
            place(&content.config_digest)
        } else {
            format!("{}.json", content.config_digest.trim_start_matches("sha256:"))
        };
        let layers: Vec<String> = content.layers.iter().map(|layer| place(&layer.diff_id)).collect();
        for (layer, path) in content.layers.iter().zip(&layers) {
            put(path, &layer.tar());
        }
        put(&config, &content.config);
        if layout {
            put(&place(&content.manifest_digest), &content.manifest);
            for name in tags.iter().map(Some).chain(tags.is_empty().then_some(None)) {
                let name = name.and_then(|name| super::transfer::parse(name).ok());
                descriptors.push(json!({
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "digest": &*content.manifest_digest, "size": content.manifest.len(),
                    "annotations": name.map(|name| json!({
                        "io.containerd.image.name":
                            format!("{}:{}", name.canonical_repository(), name.tag().unwrap_or("latest")),
                    })),
                }));
            }
        }
        items.push(json!({"Config": config, "RepoTags": tags, "Layers": layers}));
    }
    if layout {
        put("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
        put(
            "index.json",
            json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": descriptors})
                .to_string()
                .as_bytes(),
        );
    }
    put("manifest.json", Value::from(items).to_string().as_bytes());
    tar::finish(&mut out);
    out
}

/// An archive on its way out.
pub(super) fn pieces(archive: Vec<u8>) -> Stream<Bytes> {
    let mut archive = Bytes::from(archive);
    let mut pieces = Vec::new();
    while !archive.is_empty() {
        pieces.push(Ok(archive.split_to(archive.len().min(PIECE))));
    }
    futures_util::stream::iter(pieces).boxed()
}

/// The files of an archive.
struct Files(HashMap<String, File>);

struct File {
    digest: String,
    size: u64,
    /// `None` when it is too large to be kept.
    bytes: Option<Vec<u8>>,
}

impl Files {
    fn json(&self, path: &str) -> Option<Value> {
        serde_json::from_slice(self.0.get(path)?.bytes.as_ref()?).ok()
    }

    fn kept(&self, path: &str) -> Result<&[u8]> {
        self.0
            .get(path)
            .and_then(|file| file.bytes.as_deref())
            .ok_or_else(|| {
                refused(
                    ErrorCode::ArchiveCorrupt,
                    &format!("invalid manifest: {path} is missing"),
                )
            })
    }
}

async fn read(archive: Body) -> Result<Files> {
    let mut reader = StreamReader::new(archive);
    let mut tar = tokio_tar::Archive::new(&mut reader);
    let mut entries = tar.entries().map_err(|error| broken(&error))?;
    let mut files = HashMap::new();
    while let Some(entry) = entries.next().await {
        let mut entry = entry.map_err(|error| broken(&error))?;
        let path = entry
            .path()
            .map_err(|error| broken(&error))?
            .to_string_lossy()
            .into_owned();
        let mut hash = sha2::Sha256::default();
        let mut bytes = Some(Vec::new());
        let mut size = 0_u64;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = entry.read(&mut buffer).await.map_err(|error| broken(&error))?;
            if count == 0 {
                break;
            }
            sha2::Digest::update(&mut hash, &buffer[..count]);
            size += count as u64;
            bytes = bytes.filter(|kept| kept.len() + count <= KEPT);
            if let Some(kept) = bytes.as_mut() {
                kept.extend_from_slice(&buffer[..count]);
            }
        }
        let digest = match &bytes {
            Some(kept) => sha256(kept),
            None => format!("sha256:{}", hex::encode(sha2::Digest::finalize(hash))),
        };
        files.insert(path, File { digest, size, bytes });
    }
    drop(entries);
    drop(tar);
    // What stands behind the end belongs to the sender's request: an engine reads that too.
    let rest = reader.into_inner();
    rest.try_for_each(|_| async { Ok(()) })
        .await
        .map_err(|error| broken(&error))?;
    if files.is_empty() {
        return Err(refused(
            ErrorCode::NotAnArchive,
            "manifest.json: no such file or directory",
        ));
    }
    Ok(Files(files))
}

/// The sender's own failure where it is one, else what the reader says.
fn broken(error: &std::io::Error) -> Failure {
    let mut next: Option<&(dyn std::error::Error + 'static)> = error.get_ref().map(|inner| inner as _);
    while let Some(inner) = next {
        if let Some(failure) = inner.downcast_ref::<Failure>() {
            return failure.clone();
        }
        next = inner.source();
    }
    let words = error.to_string();
    let ends_early = error.kind() == std::io::ErrorKind::UnexpectedEof
        || ["unexpected EOF", "failed to read entire block"]
            .iter()
            .any(|sign| words.contains(sign));
    if ends_early {
        return refused(ErrorCode::ArchiveTruncated, "archive/tar: unexpected EOF");
    }
    refused(ErrorCode::NotAnArchive, &format!("archive/tar: {error}"))
}

fn refused(code: ErrorCode, words: &str) -> Failure {
    Failure::new(code, words)
}

fn blob(digest: &Value) -> String {
    format!("blobs/{}", digest.as_str().unwrap_or_default().replace(':', "/"))
}
