//! One archive to many targets, forward only.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use imagefleet_model::{ErrorCode, Failure, ImageStore};

use crate::stream::ByteStream;
use crate::{ArchiveContents, ArchiveImage, Limits, Result};

/// What is copied, and to whom.
#[derive(Debug, Clone)]
pub struct CopyPlan {
    /// What the source will send, as far as it is known beforehand. Without it every layer is sent.
    pub images: Vec<SourceImage>,
    /// One per receiver.
    pub targets: Vec<TargetPlan>,
    /// A target that takes nothing for this long is given up (`EngineTimeout`); until then it holds the others back.
    pub stall: Duration,
    /// Caps on what the source sends.
    pub limits: Limits,
}

/// What is known of an image before the source sends it: from `GET /images/{name}/json` (`RootFS.Layers`), or from [`inspect`](crate::inspect()).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceImage {
    /// Layers, base first.
    pub layers: Vec<SourceLayer>,
}

/// What is known of a layer before the source sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceLayer {
    /// Digest of the inflated tar.
    pub diff_id: String,
    /// Digest of the blob as the source holds it, when known and not the diff id.
    pub digest: Option<String>,
    /// The entry that will hold it, when an earlier look into the same file told.
    pub path: Option<String>,
}

impl SourceImage {
    /// From an engine's `RootFS.Layers`.
    #[must_use]
    pub fn from_diff_ids(diff_ids: &[String]) -> Self {
        Self {
            layers: diff_ids
                .iter()
                .map(|diff_id| SourceLayer {
                    diff_id: diff_id.clone(),
                    digest: None,
                    path: None,
                })
                .collect(),
        }
    }
}

impl From<&ArchiveImage> for SourceImage {
    fn from(image: &ArchiveImage) -> Self {
        Self {
            layers: image
                .layers
                .iter()
                .map(|layer| SourceLayer {
                    diff_id: layer.diff_id.clone(),
                    digest: Some(layer.digest.clone()),
                    path: Some(layer.path.clone()),
                })
                .collect(),
        }
    }
}

/// What one target gets.
#[derive(Debug, Clone, Default)]
pub struct TargetPlan {
    /// The form that its store takes.
    pub form: TargetForm,
    /// What it need not be sent.
    pub held: Held,
    /// References instead of the archive's own; only for an archive with one image.
    pub references: Option<Vec<String>>,
    /// `os/arch[/variant]` of the target: which image of a multi-platform layout becomes the one of a docker-archive.
    pub platform: Option<String>,
}

/// The form of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetForm {
    /// As the source sends it, whole: Podman and unknown stores.
    #[default]
    AsIs,
    /// With a `manifest.json`; layers held by chain id may be absent: Docker's classic store.
    Docker,
    /// An OCI layout; blobs held by digest may be absent: Docker's containerd store.
    Oci,
}

impl TargetForm {
    /// The form for a store.
    #[must_use]
    pub const fn for_store(store: Option<ImageStore>) -> Self {
        match store {
            Some(ImageStore::Classic) => Self::Docker,
            Some(ImageStore::Containerd) => Self::Oci,
            Some(ImageStore::Podman) | None => Self::AsIs,
        }
    }
}

/// What a target already holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Chain ids of layers (classic store): every prefix of every image's `RootFS.Layers`.
    pub chain_ids: HashSet<String>,
    /// Digests of layer blobs (containerd store).
    pub blobs: HashSet<String>,
}

/// What went to a target so far; what `result` of the step shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CopyFigures {
    /// Distinct layers in the source, as far as known.
    pub layers_total: u64,
    /// Layers sent to this target.
    pub layers_sent: u64,
    /// Bytes of the source's archive so far.
    pub bytes_total: u64,
    /// Bytes sent to this target.
    pub bytes_sent: u64,
}

/// Live [`CopyFigures`].
#[derive(Debug, Default)]
pub struct CopyCounters(());

impl CopyCounters {
    /// The figures now.
    #[must_use]
    pub fn figures(&self) -> CopyFigures {
        CopyFigures::default()
    }
}

/// A copy under way. `run` moves the bytes: await it beside the targets' loads; dropping it ends every target's stream with an error.
pub struct Copying {
    /// In the order of the plan.
    pub targets: Vec<TargetStream>,
    /// Ends with what the source sent, or with the source's failure; a target's failure is seen in its own stream only.
    pub run: BoxFuture<'static, Result<ArchiveContents>>,
}

/// One target's side of a copy.
pub struct TargetStream {
    /// The archive for its load. Dropping it takes the target out of the copy and holds nobody up.
    pub bytes: ByteStream,
    /// What was sent.
    pub counters: Arc<CopyCounters>,
}

/// Passes one archive (plain, gzip or zstd) on to many targets.
pub fn copy(source: ByteStream, plan: CopyPlan) -> Copying {
    drop(source);
    let failure = || Failure::new(ErrorCode::NotAnArchive, "not read yet");
    let target = |_| TargetStream {
        bytes: futures_util::stream::once(async move { Err(failure()) }).boxed(),
        counters: Arc::default(),
    };
    Copying {
        targets: plan.targets.iter().map(target).collect(),
        run: Box::pin(async move { Err(failure()) }),
    }
}
