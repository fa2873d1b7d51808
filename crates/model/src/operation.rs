use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ErrorInfo, Progress, ServerId};

/// Time-ordered text id (UUID version 7).
pub type OperationId = String;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Pull a reference to servers.
    PullImage,
    /// Push an image to a registry.
    PushImage,
    /// Give an image another reference.
    TagImage,
    /// Save images into one archive that we keep.
    ExportImage,
    /// Load an uploaded archive into servers.
    ImportImage,
    /// Bring the inventory in step with the engines.
    SyncImages,
    /// Move an image from one server to others without a registry.
    CopyImage,
    /// Delete images from servers.
    DeleteImage,
    /// Create (and start) a container from an image.
    CreateContainer,
}

impl OperationKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::PullImage,
        Self::PushImage,
        Self::TagImage,
        Self::ExportImage,
        Self::ImportImage,
        Self::SyncImages,
        Self::CopyImage,
        Self::DeleteImage,
        Self::CreateContainer,
    ];

    /// The stable word, also the `type` of events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PullImage => "pull_image",
            Self::PushImage => "push_image",
            Self::TagImage => "tag_image",
            Self::ExportImage => "export_image",
            Self::ImportImage => "import_image",
            Self::SyncImages => "sync_images",
            Self::CopyImage => "copy_image",
            Self::DeleteImage => "delete_image",
            Self::CreateContainer => "create_container",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// Where an operation or a step is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its turn.
    Queued,
    /// Under way.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
    /// Ended because the program that ran it died.
    Interrupted,
}

impl Status {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Queued,
            Self::Running,
            Self::Succeeded,
            Self::Failed,
            Self::Cancelled,
            Self::Interrupted,
        ]
        .into_iter()
        .find(|status| status.as_str() == word)
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// Durable work that a person or a schedule started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Time-ordered.
    pub id: OperationId,
    /// What it does.
    pub kind: OperationKind,
    /// Where it is.
    pub status: Status,
    /// A line for people: "Pull nginx:1.27 to 3 servers".
    pub title: String,
    /// 0–100 over all steps.
    pub progress: u8,
    /// What is happening or how it ended, for people.
    pub message: String,
    /// Who started it.
    pub created_by: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When its first step began.
    pub started_at: Option<DateTime<Utc>>,
    /// When its last step ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it did not succeed.
    pub error: Option<ErrorInfo>,
    /// What came of it; the shape depends on the kind.
    pub result: Option<serde_json::Value>,
    /// What its words name beside what its steps are about, the source of a copy: who does not see that is not told of it.
    #[serde(skip)]
    #[schema(ignore)]
    pub also: Vec<(ServerId, String)>,
    /// Its parts, one a server (or one an image, for deletes).
    pub steps: Vec<Step>,
}

/// An operation's part on one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Row id of the step.
    pub id: i64,
    /// The server it works on.
    pub server_id: ServerId,
    /// That server's name.
    pub server_name: String,
    /// The image row it is about, where there is one.
    pub image_id: Option<i64>,
    /// The familiar repository it is about, when it is about one; who may not see that does not see the step.
    #[serde(default)]
    pub repository: Option<String>,
    /// Its tag.
    #[serde(default)]
    pub tag: Option<String>,
    /// Where it is.
    pub status: Status,
    /// 0–100.
    pub progress: u8,
    /// What is happening, or what it waits for.
    pub message: String,
    /// Bytes moved.
    pub bytes_done: u64,
    /// Bytes in all, when known.
    pub bytes_total: Option<u64>,
    /// Present speed.
    pub bytes_per_second: Option<u64>,
    /// Layers of a pull or push.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub layers: Vec<crate::LayerProgress>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it did not succeed.
    pub error: Option<ErrorInfo>,
    /// What came of it.
    pub result: Option<serde_json::Value>,
}

impl Step {
    /// Shows the latest progress in the step.
    pub fn apply(&mut self, progress: &Progress) {
        self.progress = self.progress.max(progress.percent);
        self.message.clone_from(&progress.message);
        self.bytes_done = progress.bytes_done;
        self.bytes_total = progress.bytes_total;
        self.bytes_per_second = progress.bytes_per_second;
        self.layers.clone_from(&progress.layers);
    }
}
