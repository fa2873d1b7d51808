use axum::extract::State;
use axum::http::header;
use serde::{Deserialize, Serialize};

use super::body::SoftwareBody;
use crate::extract::{Caller, Json};
use crate::{AppState, Problem};

/// Own catalogue entries as one file.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoftwareFile {
    /// Form of this file: 1.
    #[serde(default = "first")]
    pub version: u32,
    /// The entries.
    pub software: Vec<SoftwareBody>,
}

fn first() -> u32 {
    1
}

/// Your own catalogue entries as one file, for `POST /software/import` elsewhere.
#[utoipa::path(
    get, path = "/software/export", tag = "software", operation_id = "exportSoftware",
    responses((status = 200, description = "The file", body = SoftwareFile)),
)]
pub async fn handler(
    State(state): State<AppState>,
    _caller: Caller,
) -> Result<([(header::HeaderName, &'static str); 1], Json<SoftwareFile>), Problem> {
    let software = state
        .store
        .export_software()
        .await?
        .into_iter()
        .map(Into::into)
        .collect();
    let disposition = "attachment; filename=\"imagefleet-software.json\"";
    Ok((
        [(header::CONTENT_DISPOSITION, disposition)],
        Json(SoftwareFile {
            version: first(),
            software,
        }),
    ))
}
