use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ErrorInfo, ImageId, ServerId};

/// What is happening with an image on its server (the source document's `SystemSoftImageStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ImageStatus {
    /// The engine holds it.
    Available,
    /// A pull is under way.
    Pulling,
    /// The last pull failed.
    PullFailed,
    /// A delete is under way.
    Deleting,
    /// The last delete failed; the engine still holds it.
    DeleteFailed,
    /// The last container made from it did not start.
    StartFailed,
}

impl ImageStatus {
    /// All statuses.
    pub const ALL: &'static [Self] = &[
        Self::Available,
        Self::Pulling,
        Self::PullFailed,
        Self::Deleting,
        Self::DeleteFailed,
        Self::StartFailed,
    ];

    /// What the page's filter "error" means.
    pub const FAILED: &'static [Self] = &[Self::PullFailed, Self::DeleteFailed, Self::StartFailed];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::Pulling => "PULLING",
            Self::PullFailed => "PULL_FAILED",
            Self::Deleting => "DELETING",
            Self::DeleteFailed => "DELETE_FAILED",
            Self::StartFailed => "START_FAILED",
        }
    }

    /// The status of that word, in any case.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|status| status.as_str().eq_ignore_ascii_case(word))
    }
}

/// One reference (or one untagged id) as held by one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Row id.
    pub id: ImageId,
    /// The server that holds it.
    pub server_id: ServerId,
    /// That server's name.
    pub server_name: String,
    /// The catalogue entry whose repository it is, when there is one.
    pub software_id: Option<i64>,
    /// The engine's id for its content; empty while a first pull runs or failed.
    pub engine_id: String,
    /// Familiar repository, `<none>` when untagged and unknown.
    pub repository: String,
    /// The tag; null when untagged.
    pub tag: Option<String>,
    /// The familiar form, or the engine id when untagged.
    pub full_name: String,
    /// Repository digest (`sha256:…`), when the engine knows one.
    pub digest: Option<String>,
    /// Bytes on the server.
    pub size: u64,
    /// `linux/amd64`, when known.
    pub platform: Option<String>,
    /// What is happening with it.
    pub status: ImageStatus,
    /// Why the last pull, delete or start failed.
    pub error: Option<ErrorInfo>,
    /// Names of the containers on that server that use it; `(hidden)` for one that the caller does not see.
    pub used_by: Vec<String>,
    /// When the image was built.
    pub created_at: Option<DateTime<Utc>>,
    /// When we first saw it there.
    pub first_seen_at: DateTime<Utc>,
    /// When the row last changed.
    pub updated_at: DateTime<Utc>,
}

/// What an engine's list says of one image id (`GET /images/json`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineImage {
    /// `sha256:…`; a config digest on the classic store, a manifest or index digest on the containerd store.
    pub id: String,
    /// Every reference it is known by, familiar or canonical, without `<none>` ones.
    pub repo_tags: Vec<String>,
    /// `repository@sha256:…`, without `<none>` ones.
    pub repo_digests: Vec<String>,
    /// Bytes.
    pub size: u64,
    /// When it was built.
    pub created_at: Option<DateTime<Utc>>,
    /// `os/arch[/variant]`, when the list tells it.
    pub platform: Option<String>,
}

/// One line of an image's history (`GET /images/{name}/history`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageLayer {
    /// The layer's diff id, when the line made one and the engine tells it.
    pub diff_id: Option<String>,
    /// What made it.
    pub created_by: String,
    /// Bytes that it adds.
    pub size: u64,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// The builder's comment.
    pub comment: String,
    /// Whether the line only changed the configuration.
    pub empty: bool,
}
