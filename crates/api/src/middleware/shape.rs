use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use imagefleet_model::ErrorCode;

use crate::{Problem, monitor};

/// Brings an error under `/api` into its final form: a problem document with the request's id, or the Monitor API's
/// envelope. An error that is no problem yet (the router's own 405, a foreign extractor's refusal) becomes one, so
/// that no route can answer in another way.
pub async fn shape(mut response: Response, method: &Method, path: &str, request_id: &str) -> Response {
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if path.starts_with("/api/") => match from_status(&response, method) {
            Some(problem) => problem,
            None => return response,
        },
        None => return response,
    };
    let status = response.status();
    if status.is_server_error() {
        tracing::warn!(request = %request_id, code = problem.code().as_str(), detail = problem.detail(), "failed");
    }
    let (content_type, bytes) = if monitor::is_monitor(path) {
        ("application/json", monitor::envelope_of(&problem))
    } else {
        let body = problem.body(Some(request_id.to_owned()));
        (
            "application/problem+json",
            serde_json::to_vec(&body).unwrap_or_default(),
        )
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let head_only = *method == Method::HEAD;
    *response.body_mut() = if head_only {
        Body::empty()
    } else {
        Body::from(bytes)
    };
    // The audit and the log ask for it.
    response.extensions_mut().insert(problem);
    response
}

fn from_status(response: &Response, method: &Method) -> Option<Problem> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    // Whoever wrote a body of their own has said what they had to say.
    let typed = response.headers().get(header::CONTENT_TYPE);
    let spoken = typed.is_some_and(|value| value.as_bytes().starts_with(b"application/"));
    if spoken {
        return None;
    }
    Some(match status {
        StatusCode::NOT_FOUND => Problem::new(ErrorCode::NotFound, "There is nothing under this path."),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(
            ErrorCode::MethodNotAllowed,
            format!("This path does not take {method}."),
        ),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            ErrorCode::BodyTooLarge,
            "The body is larger than this path takes.",
        ),
        StatusCode::BAD_REQUEST => Problem::new(ErrorCode::InvalidBody, "The request could not be read."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(
            ErrorCode::InvalidBody,
            "This path does not take this type of content.",
        ),
        _ if status.is_server_error() => Problem::new(ErrorCode::Internal, "Something went wrong here."),
        _ => return None,
    })
}
