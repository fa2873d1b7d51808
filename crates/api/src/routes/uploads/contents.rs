use std::collections::HashMap;

use chrono::DateTime;
use imagefleet_archive::{ArchiveContents, ArchiveImage, Compression, SkippedManifest};
use imagefleet_model::{PageRequest, Platform, Server, ServerId};
use imagefleet_store::{Holder, ServerFilter, Upload, content_fingerprint};
use serde::Serialize;

use crate::extract::Caller;
use crate::{AppState, Problem};

/// What is inside an archive.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ArchiveInfo)]
pub struct ArchiveView {
    /// The upload.
    upload_id: String,
    /// The file's own name.
    file_name: String,
    /// `docker-archive`, `oci-layout`, or `docker-archive+oci-layout` when it is both.
    format: &'static str,
    /// `none`, `gzip` or `zstd`.
    compression: &'static str,
    /// Bytes of the file.
    size: u64,
    /// Bytes of the tar, inflated.
    tar_size: u64,
    /// The images, one for each platform.
    images: Vec<ImageView>,
    /// Whether it holds a single image, which may be given another name.
    can_rename: bool,
    /// What is named in it, but is no image that can be loaded.
    skipped: Vec<SkippedView>,
}

/// One image for one platform.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ArchiveImage)]
struct ImageView {
    /// `nginx:1.27`, …; none when it is untagged.
    references: Vec<String>,
    /// `linux/amd64`.
    platform: Option<String>,
    /// Bytes of its layers, inflated.
    size: u64,
    /// Base first.
    layers: Vec<LayerView>,
    /// Digest of its config: the image id on a classic store.
    config_digest: String,
    /// When it was built.
    created: Option<String>,
    /// Every server that may be seen, and whether it has the image.
    servers: Vec<PresenceView>,
}

/// One layer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ArchiveLayer)]
struct LayerView {
    /// Digest of the blob.
    digest: String,
    /// Digest of the inflated tar.
    diff_id: String,
    /// Bytes, inflated.
    size: u64,
}

/// What a server has of an image.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ArchivePresence)]
struct PresenceView {
    /// The server.
    server_id: ServerId,
    /// Its name.
    server_name: String,
    /// Whether it has it.
    state: Presence,
    /// Whether the image is for another platform than the server.
    platform_mismatch: bool,
}

/// Whether a server has an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ArchivePresenceState)]
enum Presence {
    /// Under the same references, with the same content.
    Same,
    /// Other content under one of its references: an import needs force.
    Different,
    /// Not under all of its references.
    Absent,
}

/// A manifest that is no image that can be loaded.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ArchiveSkipped)]
struct SkippedView {
    /// Its digest.
    digest: String,
    /// Its platform, when it says one.
    platform: Option<String>,
    /// `attestation`, `not_included` or `not_an_image`.
    reason: String,
}

/// The archive as the caller sees it.
pub async fn view(
    state: &AppState,
    caller: &Caller,
    upload: &Upload,
    contents: ArchiveContents,
) -> Result<ArchiveView, Problem> {
    let everything = PageRequest {
        page: 1,
        size: 10_000,
    };
    let servers = state
        .store
        .list_servers(&ServerFilter::default(), &caller.access, everything)
        .await?
        .items;
    let names: Vec<String> = contents.references().into_iter().map(ToOwned::to_owned).collect();
    let untagged = contents.images.iter().filter(|image| image.references.is_empty());
    let fingerprints: Vec<String> = untagged.filter_map(fingerprint).collect();
    let holders = state.store.holders(&names, &fingerprints, &caller.access).await?;
    let mut by_server: HashMap<ServerId, Vec<&Holder>> = HashMap::new();
    for holder in &holders {
        by_server.entry(holder.server_id).or_default().push(holder);
    }
    let images = contents
        .images
        .iter()
        .map(|image| {
            let presence = |server: &Server| PresenceView {
                server_id: server.id,
                server_name: server.name.clone(),
                state: presence(
                    &contents,
                    image,
                    by_server.get(&server.id).map_or(&[], Vec::as_slice),
                ),
                platform_mismatch: mismatches(&contents, image, server.platform.as_deref()),
            };
            ImageView {
                references: image.references.clone(),
                platform: image.platform.clone(),
                size: image.size,
                layers: layers(image),
                config_digest: image.config_digest.clone(),
                created: image.created.clone(),
                servers: servers.iter().map(presence).collect(),
            }
        })
        .collect();
    Ok(ArchiveView {
        upload_id: upload.id.clone(),
        file_name: upload.file_name.clone(),
        format: match (contents.forms.docker, contents.forms.oci) {
            (true, true) => "docker-archive+oci-layout",
            (false, true) => "oci-layout",
            _ => "docker-archive",
        },
        compression: match contents.compression {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        },
        size: upload.received,
        tar_size: contents.tar_bytes,
        can_rename: contents.distinct_images() == 1,
        images,
        skipped: contents.skipped.into_iter().map(SkippedView::from).collect(),
    })
}

fn layers(image: &ArchiveImage) -> Vec<LayerView> {
    let layers = image.layers.iter().map(|layer| LayerView {
        digest: layer.digest.clone(),
        diff_id: layer.diff_id.clone(),
        size: layer.inflated_size,
    });
    layers.collect()
}

fn fingerprint(image: &ArchiveImage) -> Option<String> {
    let created = image.created.as_deref();
    let created = created.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    content_fingerprint(
        image.platform.as_deref().unwrap_or_default(),
        created.map(Into::into),
        &image.diff_ids(),
    )
}

/// The images that are one for people: the platforms under one reference.
fn siblings<'a>(
    contents: &'a ArchiveContents,
    image: &'a ArchiveImage,
) -> impl Iterator<Item = &'a ArchiveImage> {
    contents.images.iter().filter(move |other| {
        *other == image || (other.target_digest.is_some() && other.target_digest == image.target_digest)
    })
}

fn presence(contents: &ArchiveContents, image: &ArchiveImage, there: &[&Holder]) -> Presence {
    let is_same = |holder: &Holder| {
        siblings(contents, image).any(|image| {
            let id = Some(&holder.engine_id);
            let by_id = [
                Some(&image.config_digest),
                image.manifest_digest.as_ref(),
                image.target_digest.as_ref(),
            ];
            by_id.contains(&id) || (holder.fingerprint.is_some() && holder.fingerprint == fingerprint(image))
        })
    };
    if image.references.is_empty() {
        let held = there.iter().any(|holder| is_same(holder));
        return if held { Presence::Same } else { Presence::Absent };
    }
    let mut absent = false;
    for reference in &image.references {
        match there.iter().find(|holder| holder.full_name == *reference) {
            Some(holder) if !is_same(holder) => return Presence::Different,
            Some(_) => {}
            None => absent = true,
        }
    }
    if absent { Presence::Absent } else { Presence::Same }
}

/// Whether none of the platforms of this image is the server's. What does not say its platform is not judged.
pub fn mismatches(contents: &ArchiveContents, image: &ArchiveImage, server: Option<&str>) -> bool {
    let Some(server) = server.and_then(Platform::parse) else {
        return false;
    };
    !siblings(contents, image).any(
        |image| match image.platform.as_deref().and_then(Platform::parse) {
            // A variant says how new a processor must be; engines decide that themselves.
            Some(platform) => platform.os == server.os && platform.architecture == server.architecture,
            None => true,
        },
    )
}

impl From<SkippedManifest> for SkippedView {
    fn from(skipped: SkippedManifest) -> Self {
        Self {
            digest: skipped.digest,
            platform: skipped.platform,
            reason: skipped.reason,
        }
    }
}
