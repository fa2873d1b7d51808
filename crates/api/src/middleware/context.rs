use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use uuid::Uuid;

use super::shape::shape;
use crate::AppState;
use crate::extract::Caller;
use crate::peer::Peer;

/// How the log names a request; also the answer's `X-Request-Id`.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; script-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The outermost layer: gives the request its id and its peer, and the answer its headers, its final form of an
/// error, its line in the log and its place in the metrics.
pub async fn context(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (mut parts, body) = request.into_parts();
    let id = request_id(&parts.headers);
    let peer = Peer::of(&parts, &state.config.trusted_proxies);
    parts.extensions.insert(RequestId(id.clone()));
    parts.extensions.insert(peer);
    let method = parts.method.clone();
    let path = parts.uri.path().to_owned();
    let route = parts
        .extensions
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |matched| matched.as_str().to_owned());

    let span = tracing::info_span!("request", id = %id);
    let response = next.run(Request::from_parts(parts, body)).instrument(span).await;
    let mut response = shape(response, &method, &path, &id).await;
    headers(response.headers_mut(), &id, &path, peer.secure);

    let took = began.elapsed();
    let status = response.status().as_u16();
    let said = response
        .extensions()
        .get::<Caller>()
        .map(|caller| caller.trail.gathered());
    let (user, operation) = said.map_or((None, None), |said| (said.username, said.operation));
    metrics::histogram!("imagefleet_http_request_seconds", "method" => method_label(&method), "route" => route, "status" => status.to_string())
        .record(took.as_secs_f64());
    if is_noise(&path) {
        tracing::debug!(request = %id, %method, path, status, "answered");
    } else {
        tracing::info!(
            request = %id, %method, path, status, ms = took.as_millis(), address = %peer.address, user, operation,
            "answered"
        );
    }
    response
}

/// A client's own id is kept when it is harmless, so that a proxy's log and ours speak of the same request.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        })
        .map_or_else(|| Uuid::now_v7().simple().to_string(), ToOwned::to_owned)
}

fn headers(headers: &mut HeaderMap, id: &str, path: &str, secure: bool) {
    let mut put = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(header::REFERRER_POLICY, "same-origin");
    put(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    if secure {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if path.starts_with("/api/") {
        put(header::CACHE_CONTROL, "no-store");
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
}

/// Only methods that exist become labels: anybody can invent others.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// What is asked every few seconds for ever.
fn is_noise(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
        || path.starts_with("/assets/")
        || path.starts_with("/socket.io")
}
