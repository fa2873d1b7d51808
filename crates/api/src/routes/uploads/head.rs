use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};

use super::require;
use super::tus::{
    UPLOAD_DEFER_LENGTH, UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_METADATA, UPLOAD_OFFSET, check_version,
    http_date,
};
use crate::extract::{Caller, Path};
use crate::{AppState, Problem};

/// How much of an upload has come (tus: core).
#[utoipa::path(
    head, path = "/uploads/{id}", tag = "uploads", operation_id = "headUpload", params(("id" = String, Path)),
    responses((status = 200, description = "In the headers", headers(
        ("Upload-Offset" = i64), ("Upload-Length" = i64), ("Upload-Metadata" = String), ("Upload-Expires" = String)
    ))),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    asked: HeaderMap,
) -> Result<HeaderMap, Problem> {
    check_version(&asked, false)?;
    let upload = require(&state, &caller, &id).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(upload.received));
    match upload.length {
        Some(length) => headers.insert(UPLOAD_LENGTH, HeaderValue::from(length)),
        None => headers.insert(UPLOAD_DEFER_LENGTH, HeaderValue::from_static("1")),
    };
    if !upload.metadata.is_empty()
        && let Ok(metadata) = HeaderValue::from_str(&upload.metadata)
    {
        headers.insert(UPLOAD_METADATA, metadata);
    }
    headers.insert(UPLOAD_EXPIRES, http_date(upload.expires_at));
    Ok(headers)
}
