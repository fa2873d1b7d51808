use axum::extract::Request;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use imagefleet_model::ErrorCode;

use crate::Problem;

/// Refuses what another site's page makes a browser send: changing requests, and every request of a live connection.
/// Browsers tell it themselves (`Sec-Fetch-Site`, `Origin`), programs send neither. A request that brings its own
/// token is no browser acting on its cookies.
pub async fn cross_site(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let live = request.uri().path().starts_with("/socket.io");
    let checked = live || (!safe && !headers.contains_key(header::AUTHORIZATION));
    if checked && is_cross_site(headers, request.uri()) {
        return Problem::new(ErrorCode::CrossSite, "This request came from another site.").into_response();
    }
    next.run(request).await
}

/// Whether a browser says that another site made it send this.
#[must_use]
fn is_cross_site(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some("same-origin" | "none") => return false,
        // `same-site` is another program of the same domain: as strange as any other.
        Some(_) => return true,
        None => {}
    }
    let Some(origin) = text("origin") else {
        return false;
    };
    let host = uri
        .authority()
        .map(axum::http::uri::Authority::as_str)
        .or_else(|| text("host"));
    match (origin.split_once("://"), host) {
        (Some((_, authority)), Some(host)) => !authority.eq_ignore_ascii_case(host),
        // `null` and what has no scheme is nobody we know.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};

    use super::is_cross_site;

    fn asked(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        is_cross_site(&headers, &Uri::from_static("/api/v1/session"))
    }

    #[test]
    fn other_sites_are_told_apart() {
        assert!(!asked(&[("host", "a:1")]));
        assert!(!asked(&[("host", "a:1"), ("origin", "http://a:1")]));
        assert!(asked(&[("host", "a:1"), ("origin", "http://a:2")]));
        assert!(asked(&[("host", "a:1"), ("origin", "null")]));
        assert!(asked(&[("host", "a:1"), ("origin", "http://evil.example")]));
        assert!(asked(&[
            ("host", "a"),
            ("origin", "http://a"),
            ("sec-fetch-site", "cross-site")
        ]));
        // Behind a proxy that rewrites Host the browser's own word counts.
        assert!(!asked(&[
            ("host", "inner"),
            ("origin", "http://outer"),
            ("sec-fetch-site", "same-origin")
        ]));
    }
}
