use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use imagefleet_model::ErrorCode;

use crate::Problem;

/// The largest body of a route that reads JSON.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// Refuses a body that announces itself as too large before a byte of it is read. One that does not say how long it is
/// is cut off at the same limit by what reads it.
pub async fn announced(request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > BODY_LIMIT as u64) {
        return Problem::new(ErrorCode::BodyTooLarge, "The body is larger than 2 MiB.").into_response();
    }
    next.run(request).await
}
