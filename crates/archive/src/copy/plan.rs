use std::collections::HashSet;
use std::time::Duration;

use imagefleet_model::ImageStore;

use crate::{ArchiveImage, Limits, chain_ids};

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
    /// Write names out in full (`docker.io/library/nginx:1.27`) in a docker-archive: Podman takes short ones for its own
    /// (`localhost/nginx:1.27`).
    pub full_names: bool,
    /// `os/arch[/variant]` of the target: which image of a multi-platform layout becomes the one of a docker-archive.
    pub platform: Option<String>,
}

/// The form of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetForm {
    /// As the source sends it, whole: unknown stores.
    #[default]
    AsIs,
    /// With a `manifest.json`; layers held by chain id may be absent: Docker's classic store. Whole, and with full names,
    /// also Podman: of an OCI layout it takes one image only.
    Docker,
    /// An OCI layout; blobs held by digest may be absent: Docker's containerd store.
    Oci,
}

impl TargetForm {
    /// The form for a store.
    #[must_use]
    pub const fn for_store(store: Option<ImageStore>) -> Self {
        match store {
            Some(ImageStore::Classic | ImageStore::Podman) => Self::Docker,
            Some(ImageStore::Containerd) => Self::Oci,
            None => Self::AsIs,
        }
    }
}

/// What a target already holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Chain ids of layers (classic store): every prefix of every image's `RootFS.Layers`.
    pub chain_ids: HashSet<String>,
    /// Digests of layer blobs (containerd store).
    ///
    /// The engine tells diff ids only. They are the digests of images that came by a load, not of pulled ones, whose layers are
    /// compressed. A wrong claim is **not refused**: the load reports success and the image even runs from the snapshots that are there,
    /// but its content is incomplete and cannot be saved or pushed. So whoever guesses looks afterwards: `Available` of every manifest in
    /// `GET /images/{name}/json?manifests=true` (API 1.48) must be true, else the image goes and is sent whole.
    pub blobs: HashSet<String>,
}

impl TargetPlan {
    /// The whole archive, in the form that a store takes.
    #[must_use]
    pub fn whole(store: Option<ImageStore>) -> Self {
        Self {
            form: TargetForm::for_store(store),
            full_names: store == Some(ImageStore::Podman),
            ..Self::default()
        }
    }

    /// Which layers of the image this target must be sent, by position, as far as it can be told beforehand.
    #[must_use]
    pub fn lacks(&self, image: &SourceImage) -> Vec<usize> {
        let diff_ids: Vec<String> = image.layers.iter().map(|layer| layer.diff_id.clone()).collect();
        let chain = chain_ids(&diff_ids);
        let holds = |at: usize| match self.form {
            TargetForm::AsIs => false,
            TargetForm::Docker => self.held.chain_ids.contains(&chain[at]),
            TargetForm::Oci => {
                let layer = &image.layers[at];
                self.held
                    .blobs
                    .contains(layer.digest.as_ref().unwrap_or(&layer.diff_id))
            }
        };
        (0..diff_ids.len()).filter(|at| !holds(*at)).collect()
    }
}
