use chrono::{DateTime, Utc};
use imagefleet_store::Upload;
use serde::Serialize;

/// An archive on its way to us, or arrived.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Upload)]
pub struct UploadView {
    /// Its id.
    id: String,
    /// The file's own name.
    file_name: String,
    /// Bytes in all; null while the sender has not said.
    length: Option<u64>,
    /// Bytes that have come.
    received: u64,
    /// Whether all of it is there.
    complete: bool,
    /// When it was begun.
    created_at: DateTime<Utc>,
    /// When the last bytes came.
    updated_at: DateTime<Utc>,
    /// When it will be removed if nothing happens to it.
    expires_at: DateTime<Utc>,
}

impl From<Upload> for UploadView {
    fn from(upload: Upload) -> Self {
        Self {
            id: upload.id,
            file_name: upload.file_name,
            length: upload.length,
            received: upload.received,
            complete: upload.complete,
            created_at: upload.created_at,
            updated_at: upload.updated_at,
            expires_at: upload.expires_at,
        }
    }
}
