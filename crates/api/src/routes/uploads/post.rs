use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use imagefleet_model::ErrorCode;

use super::{delete, patch};
use crate::extract::{Caller, Path};
use crate::{AppState, Problem};

/// `PATCH` and `DELETE` for those whose proxy takes neither: `X-HTTP-Method-Override` says which is meant.
#[utoipa::path(
    post, path = "/uploads/{id}", tag = "uploads", operation_id = "overrideUploadMethod",
    params(
        ("id" = String, Path),
        ("X-HTTP-Method-Override" = String, Header, description = "`PATCH` or `DELETE`"),
    ),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "Done")),
)]
pub async fn handler(
    state: State<AppState>,
    caller: Caller,
    id: Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let meant = headers
        .get("x-http-method-override")
        .and_then(|value| value.to_str().ok());
    match meant {
        Some("PATCH") => Ok(patch::handler(state, caller, id, headers, body)
            .await?
            .into_response()),
        Some("DELETE") => Ok(delete::handler(state, caller, id, headers).await?.into_response()),
        _ => Err(Problem::new(
            ErrorCode::MethodNotAllowed,
            "This path takes PATCH, HEAD, GET and DELETE.",
        )
        .with_status(StatusCode::METHOD_NOT_ALLOWED)),
    }
}
