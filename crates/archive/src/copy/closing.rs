//! The documents that name images, as a target reads them.

use bytes::Bytes;
use imagefleet_model::{ErrorCode, Failure, ImageRef};
use serde::Serialize;
use serde_json::{Value, json};

use super::{TargetForm, TargetPlan};
use crate::blob::Sum;
use crate::collect::Collected;
use crate::document::DockerImage;
use crate::{ArchiveContents, ArchiveImage, Result};

const OCI_NAME: &str = "org.opencontainers.image.ref.name";
const CONTAINERD_NAME: &str = "io.containerd.image.name";
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";

type Documents = Vec<(String, Bytes)>;

/// What the target gets after everything else.
pub(super) fn documents(
    plan: &TargetPlan,
    contents: &ArchiveContents,
    collected: &Collected,
) -> Result<Documents> {
    let references = plan.references.as_deref();
    if references.is_some() && contents.distinct_images() != 1 {
        let message = "a name can only be given to an archive with one image";
        return Err(Failure::new(ErrorCode::InvalidInput, message));
    }
    match plan.form {
        TargetForm::AsIs => match references {
            None => Ok(Vec::new()),
            Some(references) => {
                let mut documents = Documents::new();
                if collected.docker_manifest.is_some() {
                    documents.extend(docker(plan, contents, collected)?);
                }
                if let Some(index) = &collected.oci_index {
                    documents.push(("index.json".to_owned(), renamed_index(index, references)?));
                }
                Ok(documents)
            }
        },
        TargetForm::Docker => docker(plan, contents, collected),
        TargetForm::Oci => oci(references, contents, collected),
    }
}

/// `manifest.json`: the source's own, or made from its layout.
fn docker(plan: &TargetPlan, contents: &ArchiveContents, collected: &Collected) -> Result<Documents> {
    let named = |bytes| vec![("manifest.json".to_owned(), bytes)];
    let mut images: Vec<DockerImage> = match &collected.docker_manifest {
        Some(bytes) if plan.references.is_none() && !plan.full_names => return Ok(named(bytes.clone())),
        Some(bytes) => serde_json::from_slice(bytes).map_err(|error| unwritable(&error))?,
        None => {
            let chosen = one_platform_each(contents, plan.platform.as_deref());
            chosen
                .into_iter()
                .map(|(image, references)| docker_image(image, references, collected))
                .collect()
        }
    };
    if let Some(references) = &plan.references {
        // Several platforms of one image may stand here; one can have the name.
        images.truncate(1);
        for image in &mut images {
            image.repo_tags = Some(references.clone());
        }
    }
    if plan.full_names {
        for name in images
            .iter_mut()
            .filter_map(|image| image.repo_tags.as_mut())
            .flatten()
        {
            *name = full_name(name).0;
        }
    }
    Ok(named(
        serde_json::to_vec(&images)
            .map_err(|error| unwritable(&error))?
            .into(),
    ))
}

fn docker_image(image: &ArchiveImage, references: Vec<String>, collected: &Collected) -> DockerImage {
    let config = Sum::parse(&image.config_digest).and_then(|sum| collected.content(&sum));
    DockerImage {
        config: config.map(|(path, _)| path.to_owned()).unwrap_or_default(),
        repo_tags: Some(references),
        layers: Some(image.layers.iter().map(|layer| layer.path.clone()).collect()),
        more: std::collections::HashMap::new(),
    }
}

/// A docker-archive has no platforms: of the images that share a reference the one for `platform` gets it, else the first.
fn one_platform_each<'a>(
    contents: &'a ArchiveContents,
    platform: Option<&str>,
) -> Vec<(&'a ArchiveImage, Vec<String>)> {
    let fits = |image: &ArchiveImage| {
        platform.is_some_and(|wanted| {
            image
                .platform
                .as_deref()
                .is_some_and(|has| same_platform(has, wanted))
        })
    };
    let choose = |of: &dyn Fn(&ArchiveImage) -> bool| {
        let several = || contents.images.iter().filter(|image| of(image));
        several().find(|image| fits(image)).or_else(|| several().next())
    };
    let named = |image: &'a ArchiveImage| {
        let mine = |reference: &&String| {
            let chosen = choose(&|other: &ArchiveImage| other.references.contains(*reference));
            chosen.is_some_and(|chosen| std::ptr::eq(chosen, image))
        };
        (
            image,
            image.references.iter().filter(mine).cloned().collect::<Vec<_>>(),
        )
    };
    let is_chosen = |(image, references): &(&ArchiveImage, Vec<String>)| {
        let chosen = || choose(&|other: &ArchiveImage| other.target_digest == image.target_digest);
        !references.is_empty()
            || (image.references.is_empty() && chosen().is_some_and(|chosen| std::ptr::eq(chosen, *image)))
    };
    contents.images.iter().map(named).filter(is_chosen).collect()
}

/// Equal, or equal but for a variant that one of them does not name.
fn same_platform(one: &str, other: &str) -> bool {
    let parts = |text: &str| text.splitn(3, '/').map(ToOwned::to_owned).collect::<Vec<_>>();
    parts(one)
        .iter()
        .zip(parts(other))
        .all(|(one, other)| *one == other)
}

/// `index.json` and `oci-layout`: the source's own, or made from its docker-archive together with the manifests.
fn oci(
    references: Option<&[String]>,
    contents: &ArchiveContents,
    collected: &Collected,
) -> Result<Documents> {
    let whole = contents
        .images
        .iter()
        .all(|image| image.manifest_digest.is_some());
    let mut documents = Documents::new();
    let index = match (&collected.oci_index, references) {
        (Some(index), None) if whole => index.clone(),
        (Some(index), Some(references)) if whole => renamed_index(index, references)?,
        _ => {
            let mut manifests = Vec::new();
            for image in &contents.images {
                let manifest = serde_json::to_vec(&Manifest::of(image, collected))
                    .map_err(|error| unwritable(&error))?;
                let sum = Sum::of(&manifest);
                let descriptor =
                    json!({"mediaType": MANIFEST, "digest": sum.to_string(), "size": manifest.len()});
                manifests.extend(described(&descriptor, references.unwrap_or(&image.references)));
                documents.push((format!("blobs/sha256/{}", sum.hex()), manifest.into()));
            }
            let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests});
            index.to_string().into()
        }
    };
    documents.push(("index.json".to_owned(), index));
    documents.push((
        "oci-layout".to_owned(),
        Bytes::from_static(br#"{"imageLayoutVersion":"1.0.0"}"#),
    ));
    Ok(documents)
}

/// The manifest, byte for byte as containerd makes it from a docker-archive: whichever way an image came, a containerd store then knows
/// it by the same digest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u8,
    media_type: &'static str,
    config: Part<'a>,
    layers: Vec<Part<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    media_type: &'a str,
    digest: &'a str,
    size: u64,
}

impl<'a> Manifest<'a> {
    fn of(image: &'a ArchiveImage, collected: &Collected) -> Self {
        let config = Sum::parse(&image.config_digest).and_then(|sum| collected.content(&sum));
        let layers = image.layers.iter().map(|layer| Part {
            media_type: match layer.media_type.as_str() {
                "application/vnd.oci.image.layer.v1.tar" => "application/vnd.docker.image.rootfs.diff.tar",
                "application/vnd.oci.image.layer.v1.tar+gzip" => {
                    "application/vnd.docker.image.rootfs.diff.tar.gzip"
                }
                other => other,
            },
            digest: &layer.digest,
            size: layer.size,
        });
        Self {
            schema_version: 2,
            media_type: MANIFEST,
            config: Part {
                media_type: CONFIG,
                digest: &image.config_digest,
                size: config.map_or(0, |(_, blob)| blob.size),
            },
            layers: layers.collect(),
        }
    }
}

/// An `index.json` of one image under other references.
fn renamed_index(index: &[u8], references: &[String]) -> Result<Bytes> {
    let mut index: Value = serde_json::from_slice(index).map_err(|error| unwritable(&error))?;
    let first = index["manifests"][0].clone();
    index["manifests"] = Value::from(described(&first, references));
    Ok(index.to_string().into())
}

/// The descriptor once per reference, as containerd names images.
fn described(descriptor: &Value, references: &[String]) -> Vec<Value> {
    if references.is_empty() {
        return vec![descriptor.clone()];
    }
    let name = |reference: &String| {
        let mut named = descriptor.clone();
        let (full, tag) = full_name(reference);
        named["annotations"][CONTAINERD_NAME] = full.into();
        named["annotations"][OCI_NAME] = tag.into();
        named
    };
    references.iter().map(name).collect()
}

/// The name with its registry and its tag, and the tag alone.
fn full_name(reference: &str) -> (String, String) {
    let parsed = ImageRef::parse(reference).ok().map(ImageRef::with_default_tag);
    let tag = parsed
        .as_ref()
        .and_then(ImageRef::tag)
        .unwrap_or("latest")
        .to_owned();
    let full = parsed.map_or_else(
        || reference.to_owned(),
        |parsed| format!("{}:{tag}", parsed.canonical_repository()),
    );
    (full, tag)
}

fn unwritable(error: &serde_json::Error) -> Failure {
    Failure::new(
        ErrorCode::ArchiveCorrupt,
        format!("the archive's image names cannot be rewritten: {error}"),
    )
}
