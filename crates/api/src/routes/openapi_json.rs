use std::sync::OnceLock;

use axum::http::header;
use axum::response::IntoResponse;

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "service", operation_id = "openapiDocument",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")),
)]
pub async fn handler() -> impl IntoResponse {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let text = DOCUMENT.get_or_init(|| serde_json::to_string(&crate::document()).unwrap_or_default());
    ([(header::CONTENT_TYPE, "application/json")], text.as_str())
}
