use std::collections::{BTreeMap, HashSet};

use imagefleet_model::{EngineImage, ErrorCode, Failure, ImageLayer, ImageRef};
use serde::Deserialize;

use super::call::{Call, segment};
use super::client::Client;
use super::errors::Topic;
use super::wire::{count, from_seconds, from_text, keys, named, or_default, platform};
use crate::{ImageConfig, ImageDetail, Removed, Result, StoredContent};

/// One entry of `GET /images/json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedImage {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    repo_digests: Vec<String>,
    #[serde(default)]
    size: i64,
    #[serde(default)]
    created: i64,
    /// Only the containerd store tells them, from API 1.47 on.
    #[serde(default, deserialize_with = "or_default")]
    manifests: Vec<ListedManifest>,
    /// Of the containerd store, from API 1.48 on: what every name of this entry points at.
    descriptor: Option<Descriptor>,
}

#[derive(Debug, Deserialize)]
struct Descriptor {
    #[serde(default)]
    digest: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedManifest {
    #[serde(default)]
    available: bool,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    size: ContentSize,
    image_data: Option<ImageData>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContentSize {
    #[serde(default)]
    content: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageData {
    platform: Option<OciPlatform>,
    #[serde(default)]
    size: UnpackedSize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UnpackedSize {
    #[serde(default)]
    unpacked: i64,
}

#[derive(Debug, Deserialize)]
struct OciPlatform {
    os: String,
    architecture: String,
    #[serde(default)]
    variant: String,
}

/// `GET /images/{name}/json`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedImage {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    repo_digests: Vec<String>,
    #[serde(default)]
    size: i64,
    #[serde(default, deserialize_with = "or_default")]
    created: String,
    #[serde(default, deserialize_with = "or_default")]
    author: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default, deserialize_with = "or_default")]
    variant: String,
    #[serde(rename = "RootFS", default, deserialize_with = "or_default")]
    root_fs: RootFs,
    #[serde(default, deserialize_with = "or_default")]
    config: InspectedConfig,
    #[serde(default, deserialize_with = "or_default")]
    manifests: Vec<ListedManifest>,
}

impl InspectedImage {
    /// Of the manifest for this image's platform, or of the only one.
    fn stored_content(&self) -> Option<StoredContent> {
        let images = || self.manifests.iter().filter(|manifest| manifest.kind == "image");
        let mine = images().find(|manifest| {
            let platform = manifest
                .image_data
                .as_ref()
                .and_then(|data| data.platform.as_ref());
            platform.is_some_and(|told| told.os == self.os && told.architecture == self.architecture)
        });
        let manifest = mine.or_else(|| images().next())?;
        let unpacked = manifest.image_data.as_ref().map_or(0, |data| data.size.unpacked);
        Some(StoredContent {
            complete: manifest.available,
            stored: count(manifest.size.content),
            unpacked: count(unpacked),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RootFs {
    #[serde(default, deserialize_with = "or_default")]
    layers: Vec<String>,
}

/// An image's configuration, as images and containers carry it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct InspectedConfig {
    #[serde(deserialize_with = "or_default")]
    pub env: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub cmd: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub entrypoint: Vec<String>,
    #[serde(deserialize_with = "keys")]
    pub exposed_ports: Vec<String>,
    #[serde(deserialize_with = "keys")]
    pub volumes: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub working_dir: String,
    #[serde(deserialize_with = "or_default")]
    pub user: String,
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub hostname: String,
    #[serde(deserialize_with = "or_default")]
    pub tty: bool,
    #[serde(deserialize_with = "or_default")]
    pub image: String,
    #[serde(deserialize_with = "or_default")]
    healthcheck: Healthcheck,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Healthcheck {
    #[serde(default, deserialize_with = "or_default")]
    test: Vec<String>,
}

impl InspectedConfig {
    /// The check's command line; `["NONE"]` switches an inherited one off.
    fn healthcheck_line(&self) -> Option<String> {
        match self.healthcheck.test.split_first() {
            Some((kind, words)) if kind != "NONE" && !words.is_empty() => Some(words.join(" ")),
            _ => None,
        }
    }
}

/// One line of `GET /images/{name}/history`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HistoryLine {
    #[serde(default)]
    created: i64,
    #[serde(default, deserialize_with = "or_default")]
    created_by: String,
    #[serde(default)]
    size: i64,
    #[serde(default, deserialize_with = "or_default")]
    comment: String,
}

/// One line of `DELETE /images/{name}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RemovedLine {
    untagged: Option<String>,
    deleted: Option<String>,
}

pub(super) async fn list(client: &Client) -> Result<Vec<EngineImage>> {
    let listed: Vec<ListedImage> = client.ask(Call::get("/images/json", Topic::Engine)).await?;
    Ok(listed.into_iter().map(ListedImage::into_image).collect())
}

impl ListedImage {
    fn into_image(self) -> EngineImage {
        let platform = self
            .manifests
            .into_iter()
            .filter(|manifest| manifest.available && manifest.kind == "image")
            .find_map(|manifest| manifest.image_data?.platform)
            .map(|told| platform(&told.os, &told.architecture, &told.variant))
            .filter(|platform| !platform.is_empty());
        let repo_tags = tags(self.repo_tags);
        let mut repo_digests = named(self.repo_digests);
        if let Some(digest) = self
            .descriptor
            .map(|target| target.digest)
            .filter(|digest| !digest.is_empty())
        {
            add_digests(&mut repo_digests, &repo_tags, &digest);
        }
        EngineImage {
            id: self.id,
            repo_tags,
            repo_digests,
            size: count(self.size),
            created_at: from_seconds(self.created),
            platform,
        }
    }
}

/// The containerd store gives the digest of one name only, while all of them point at it.
fn add_digests(digests: &mut Vec<String>, tags: &[String], digest: &str) {
    let repository = |name: &str| Some(parse(name).ok()?.repository());
    let mut told: HashSet<String> = digests
        .iter()
        .filter_map(|told| repository(told.split_once('@')?.0))
        .collect();
    for name in tags.iter().filter_map(|tag| repository(tag)) {
        if !told.contains(&name) {
            digests.push(format!("{name}@{digest}"));
            told.insert(name);
        }
    }
}

/// Podman puts names with digests among the tags of an image that lost its last one.
fn tags(names: Vec<String>) -> Vec<String> {
    let mut tags = named(names);
    tags.retain(|name| !name.contains('@'));
    tags
}

pub(super) async fn inspect(client: &Client, name: &str) -> Result<ImageDetail> {
    let path = format!("/images/{}/json", segment(name)?);
    // Engines that do not know the question leave it out of the answer.
    let call = Call::get(path, Topic::Image).query("manifests", "1");
    let image: InspectedImage = client.ask(call).await?;
    let healthcheck = image.config.healthcheck_line();
    let content = image.stored_content();
    Ok(ImageDetail {
        id: image.id,
        repo_tags: tags(image.repo_tags),
        repo_digests: named(image.repo_digests),
        size: count(image.size),
        platform: platform(&image.os, &image.architecture, &image.variant),
        created_at: from_text(&image.created),
        author: image.author,
        diff_ids: image.root_fs.layers,
        config: ImageConfig {
            env: image.config.env,
            command: image.config.cmd,
            entrypoint: image.config.entrypoint,
            exposed_ports: image.config.exposed_ports,
            volumes: image.config.volumes,
            working_dir: image.config.working_dir,
            user: image.config.user,
            labels: image.config.labels,
            healthcheck,
        },
        content,
    })
}

pub(super) async fn history(client: &Client, name: &str) -> Result<Vec<ImageLayer>> {
    let path = format!("/images/{}/history", segment(name)?);
    let lines: Vec<HistoryLine> = client.ask(Call::get(path, Topic::Image)).await?;
    let diff_ids = inspect(client, name).await?.diff_ids;
    Ok(with_diff_ids(lines, &diff_ids))
}

/// Gives the lines that made a layer their diff ids. The API does not tell which lines did: those with bytes, and of
/// the others those that are no pure configuration. Where the count does not fit, no diff id is claimed.
fn with_diff_ids(lines: Vec<HistoryLine>, diff_ids: &[String]) -> Vec<ImageLayer> {
    let with_bytes: Vec<bool> = lines.iter().map(|line| line.size > 0).collect();
    let with_content: Vec<bool> = lines
        .iter()
        .map(|line| line.size > 0 || !is_configuration(&line.created_by))
        .collect();
    let fits = |made: &[bool]| made.iter().filter(|made| **made).count() == diff_ids.len();
    let made = if fits(&with_content) || !fits(&with_bytes) {
        with_content
    } else {
        with_bytes
    };
    // Newest first here, base first there.
    let mut ids = if fits(&made) { diff_ids } else { &[] }.iter().rev();
    lines
        .into_iter()
        .zip(made)
        .map(|(line, made)| ImageLayer {
            diff_id: if made { ids.next().cloned() } else { None },
            created_by: line.created_by,
            size: count(line.size),
            created_at: from_seconds(line.created),
            comment: line.comment,
            empty: !made,
        })
        .collect()
}

/// Dockerfile instructions that change the configuration alone.
fn is_configuration(created_by: &str) -> bool {
    const WORDS: [&str; 14] = [
        "ENV",
        "CMD",
        "LABEL",
        "EXPOSE",
        "ENTRYPOINT",
        "USER",
        "VOLUME",
        "ARG",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ONBUILD",
        "MAINTAINER",
        "SHELL",
        "WORKDIR",
    ];
    let line = created_by.trim_start_matches("/bin/sh -c #(nop)").trim_start();
    line.split_whitespace()
        .next()
        .is_some_and(|word| WORDS.contains(&word))
}

pub(super) async fn tag(client: &Client, source: &str, reference: &str) -> Result<()> {
    let reference = parse(reference)?.with_default_tag();
    let call = Call::post(format!("/images/{}/tag", segment(source)?), Topic::Image)
        .query("repo", &reference.repository())
        .query("tag", reference.tag().unwrap_or("latest"))
        .within(client.limits.change);
    client.tell(call).await
}

pub(super) async fn remove(client: &Client, name: &str, force: bool) -> Result<Vec<Removed>> {
    let call = Call::delete(format!("/images/{}", segment(name)?), Topic::Image)
        .flag("force", force)
        .within(client.limits.change);
    let lines: Vec<RemovedLine> = client.ask(call).await?;
    Ok(lines
        .into_iter()
        .flat_map(|line| {
            [
                line.untagged.map(Removed::Untagged),
                line.deleted.map(Removed::Deleted),
            ]
        })
        .flatten()
        .collect())
}

pub(super) fn parse(reference: &str) -> Result<ImageRef> {
    ImageRef::parse(reference).map_err(|error| Failure::new(ErrorCode::InvalidReference, error.to_string()))
}

/// Reads a body as whatever an engine tells of images.
#[cfg(feature = "fuzzing")]
pub(super) fn read_all(body: &[u8]) {
    if let Ok(listed) = serde_json::from_slice::<Vec<ListedImage>>(body) {
        listed.into_iter().map(ListedImage::into_image).for_each(drop);
    }
    if let Ok(image) = serde_json::from_slice::<InspectedImage>(body) {
        drop((image.stored_content(), image.config.healthcheck_line()));
    }
    if let Ok(lines) = serde_json::from_slice::<Vec<HistoryLine>>(body) {
        with_diff_ids(lines, &["sha256:0".to_owned()]);
    }
}

#[cfg(test)]
mod tests;
