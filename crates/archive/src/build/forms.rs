use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::{Value, json};

use super::image::descriptor;
use super::{BuiltImage, Tar};
use crate::blob::Sum;

/// As Podman and skopeo write: `<diff id>.tar`, `<config digest>.json`, `manifest.json`.
#[must_use]
pub fn docker_archive(images: &[BuiltImage]) -> Bytes {
    let mut tar = Tar::new();
    let mut written = BTreeSet::new();
    let mut manifest = Vec::new();
    for image in images {
        let mut layers = Vec::new();
        for layer in &image.layers {
            let name = format!("{}.tar", Sum::of(layer).hex());
            if written.insert(name.clone()) {
                tar = tar.file(&name, layer);
            }
            layers.push(name);
        }
        let config = format!("{}.json", Sum::of(&image.config).hex());
        tar = tar.file(&config, &image.config);
        manifest.push(json!({"Config": config, "RepoTags": image.references, "Layers": layers}));
    }
    tar.file("manifest.json", Value::from(manifest).to_string().as_bytes())
        .finish()
}

/// As Docker before 25 writes: `<v1 id>/{VERSION,json,layer.tar}` in the order of the ids, equal layers as links, then `manifest.json`.
#[must_use]
pub fn classic_save(images: &[BuiltImage]) -> Bytes {
    // Folder by v1 id: its json, and its layer or the folder that has the same one.
    let mut folders: BTreeMap<String, (String, std::result::Result<Bytes, String>)> = BTreeMap::new();
    let mut configs = BTreeMap::new();
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let mut manifest = Vec::new();
    for image in images {
        let mut parent: Option<String> = None;
        let mut layers = Vec::new();
        let top = image.layers.len().saturating_sub(1);
        for (at, (layer, chain_id)) in image.layers.iter().zip(image.chain_ids()).enumerate() {
            let mut fields: BTreeMap<&str, Value> = BTreeMap::new();
            fields.insert("container_config", json!({"Hostname": "", "Cmd": null}));
            fields.insert(
                "created",
                json!(if at == top {
                    "2026-01-05T08:00:00Z"
                } else {
                    "1970-01-01T00:00:00Z"
                }),
            );
            if at == top {
                fields.insert("architecture", json!("amd64"));
                fields.insert("os", json!("linux"));
            }
            let mut hashed = fields.clone();
            hashed.insert("layer_id", json!(chain_id));
            if let Some(parent) = &parent {
                hashed.insert("parent", json!(format!("sha256:{parent}")));
                fields.insert("parent", json!(parent));
            }
            let id = Sum::of(json!(hashed).to_string().as_bytes()).hex();
            fields.insert("id", json!(id));
            fields.insert("os", json!("linux"));
            let same = first
                .entry(Sum::of(layer).hex())
                .or_insert_with(|| id.clone())
                .clone();
            let content = if same == id { Ok(layer.clone()) } else { Err(same) };
            folders
                .entry(id.clone())
                .or_insert((json!(fields).to_string(), content));
            layers.push(format!("{id}/layer.tar"));
            parent = Some(id);
        }
        let config = format!("{}.json", Sum::of(&image.config).hex());
        configs.insert(config.clone(), image.config.clone());
        manifest.push(json!({"Config": config, "RepoTags": image.references, "Layers": layers}));
    }
    let mut tar = Tar::new();
    for (id, (json, content)) in &folders {
        tar = tar
            .folder(&format!("{id}/"))
            .file(&format!("{id}/VERSION"), b"1.0")
            .file(&format!("{id}/json"), json.as_bytes());
        let name = format!("{id}/layer.tar");
        tar = match content {
            Ok(layer) => tar.file(&name, layer),
            Err(same) => tar.symlink(&name, &format!("../{same}/layer.tar")),
        };
    }
    for (name, config) in &configs {
        tar = tar.file(name, config);
    }
    tar.file("manifest.json", Value::from(manifest).to_string().as_bytes())
        .file("repositories", b"{}")
        .finish()
}

/// An OCI image layout without a `manifest.json`.
#[must_use]
pub fn oci_layout(images: &[BuiltImage]) -> Bytes {
    let (tar, index) = layout(images);
    tar.file("index.json", index.to_string().as_bytes()).finish()
}

/// As Docker from 25 on writes: an OCI layout with a `manifest.json` that names the same blobs.
#[must_use]
pub fn both_forms(images: &[BuiltImage]) -> Bytes {
    let (tar, index) = layout(images);
    let path = |bytes: &[u8]| format!("blobs/sha256/{}", Sum::of(bytes).hex());
    let manifest: Vec<_> = images
        .iter()
        .map(|image| {
            json!({
                "Config": path(&image.config),
                "RepoTags": image.references,
                "Layers": image.blobs().iter().map(|blob| path(blob)).collect::<Vec<_>>(),
            })
        })
        .collect();
    tar.file("index.json", index.to_string().as_bytes())
        .file("manifest.json", Value::from(manifest).to_string().as_bytes())
        .finish()
}

fn layout(images: &[BuiltImage]) -> (Tar, Value) {
    let mut blobs = BTreeMap::new();
    let mut manifests = Vec::new();
    for image in images {
        let manifest = image.manifest();
        let described = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
        if image.references.is_empty() {
            manifests.push(described.clone());
        }
        for reference in &image.references {
            let name = imagefleet_model::ImageRef::parse(reference).map_or_else(
                |_| reference.clone(),
                |parsed| {
                    format!(
                        "{}:{}",
                        parsed.canonical_repository(),
                        parsed.tag().unwrap_or("latest")
                    )
                },
            );
            let mut named = described.clone();
            named["annotations"] = json!({"io.containerd.image.name": name});
            manifests.push(named);
        }
        for blob in image.blobs().into_iter().chain([manifest, image.config.clone()]) {
            blobs.insert(Sum::of(&blob).hex(), blob);
        }
    }
    let mut tar = Tar::new().folder("blobs/").folder("blobs/sha256/");
    for (hex, blob) in &blobs {
        tar = tar.file(&format!("blobs/sha256/{hex}"), blob);
    }
    let tar = tar.file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    (tar, json!({"schemaVersion": 2, "manifests": manifests}))
}
