use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::tus::{TUS_CHECKSUM_ALGORITHM, TUS_EXTENSION, TUS_MAX_SIZE, TUS_VERSION, VERSION};
use crate::AppState;

const EXTENSIONS: HeaderValue = HeaderValue::from_static(
    "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration",
);

/// What of the tus protocol is spoken here: versions, extensions, the largest upload that there is room for, and the
/// checksums.
#[utoipa::path(
    options, path = "/uploads", tag = "uploads", operation_id = "uploadOptions",
    responses((status = 204, description = "In the headers", headers(
        ("Tus-Version" = String), ("Tus-Extension" = String), ("Tus-Max-Size" = i64),
        ("Tus-Checksum-Algorithm" = String)
    ))),
)]
pub async fn handler(State(state): State<AppState>) -> (StatusCode, HeaderMap) {
    let mut headers = HeaderMap::new();
    headers.insert(TUS_VERSION, VERSION);
    headers.insert(TUS_EXTENSION, EXTENSIONS);
    headers.insert(TUS_CHECKSUM_ALGORITHM, HeaderValue::from_static("sha1,sha256"));
    let archives = &state.operations.deps().archives;
    if let Some(free) = archives.free_space() {
        let most = free.saturating_sub(archives.policy.reserve);
        headers.insert(TUS_MAX_SIZE, HeaderValue::from(most));
    }
    (StatusCode::NO_CONTENT, headers)
}
