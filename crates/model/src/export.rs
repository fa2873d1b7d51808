use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ImageId, OperationId, ServerId};

/// An archive that we keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// Time-ordered.
    pub id: String,
    /// The operation that made it.
    pub operation_id: Option<OperationId>,
    /// Whether it can be fetched.
    pub status: ExportStatus,
    /// A name that says what is inside.
    pub file_name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the file in small hexadecimal digits, once it is ready.
    pub sha256: Option<String>,
    /// What is inside.
    pub images: Vec<ExportedImage>,
    /// Who made it.
    pub created_by: String,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it will be removed; never when null.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Whether an export can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportStatus {
    /// Being written.
    Preparing,
    /// Whole and checked.
    Ready,
}

impl ExportStatus {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Ready => "ready",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Preparing, Self::Ready]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// An image inside an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedImage {
    /// The image row that it was saved from; it may be gone since.
    pub image_id: Option<ImageId>,
    /// The server that it was saved from.
    pub server_id: ServerId,
    /// That server's name.
    pub server_name: String,
    /// Familiar repository; null when untagged.
    pub repository: Option<String>,
    /// Its tag; null when untagged.
    pub tag: Option<String>,
    /// The familiar form, or the engine id when untagged.
    pub full_name: String,
    /// `linux/amd64`, when known.
    pub platform: Option<String>,
}
