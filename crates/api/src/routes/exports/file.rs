use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use imagefleet_model::{AskedBytes, ErrorCode, Export, ExportStatus};
use url::form_urlencoded::byte_serialize;

use super::{being_made, require};
use crate::audit::AuditNote;
use crate::extract::{Caller, Path};
use crate::{AppState, Problem};

/// The file of an archive, in whole or in part: `Range` (one range; several get the whole), `If-Range`,
/// `If-None-Match`, `If-Match`. Its `ETag` is its SHA-256.
#[utoipa::path(
    get, path = "/exports/{id}/file", tag = "exports", operation_id = "downloadExport",
    params(
        ("id" = String, Path),
        ("Range" = Option<String>, Header, description = "`bytes=0-1023`, `bytes=1024-`, `bytes=-512`"),
        ("If-Range" = Option<String>, Header), ("If-None-Match" = Option<String>, Header),
        ("If-Match" = Option<String>, Header),
    ),
    responses(
        (status = 200, description = "The file", content_type = "application/x-tar", body = Vec<u8>),
        (status = 206, description = "The bytes that were asked for", content_type = "application/x-tar", body = Vec<u8>),
        (status = 304, description = "It is the one that the caller has"),
        (status = 409, description = "It is being made"),
        (status = 412, description = "It is not the one of `If-Match`"),
        (status = 416, description = "The file does not have these bytes"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    method: Method,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let stored = require(&state, &caller, &id).await?;
    let export = &stored.export;
    let (ExportStatus::Ready, Some(sha256)) = (export.status, &export.sha256) else {
        return Err(being_made());
    };
    let tag = format!("\"{sha256}\"");
    if text(&asked, &header::IF_MATCH).is_some_and(|tags| !is_among(tags, &tag)) {
        let sentence = "The file is not the one that If-Match names.";
        return Err(Problem::new(ErrorCode::Conflict, sentence).with_status(StatusCode::PRECONDITION_FAILED));
    }
    let mut headers = describe(export, &tag);
    if text(&asked, &header::IF_NONE_MATCH).is_some_and(|tags| names(tags, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let part = match text(&asked, &header::RANGE) {
        Some(range) if method == Method::GET && is_current(&asked, &tag) => {
            AskedBytes::of(range, export.size)
        }
        _ => AskedBytes::Whole,
    };
    let (status, range) = match part {
        AskedBytes::Whole => (StatusCode::OK, 0..export.size),
        AskedBytes::Part(range) => {
            let value = format!("bytes {}-{}/{}", range.start, range.end - 1, export.size);
            put(&mut headers, header::CONTENT_RANGE, &value);
            (StatusCode::PARTIAL_CONTENT, range)
        }
        AskedBytes::Outside => {
            let sentence = format!("The file has {} bytes.", export.size);
            let whole = HeaderValue::from_str(&format!("bytes */{}", export.size));
            let problem = Problem::new(ErrorCode::RangeNotSatisfiable, sentence);
            return Err(match whole {
                Ok(whole) => problem.with_header(header::CONTENT_RANGE, whole),
                Err(_) => problem,
            });
        }
    };
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if method == Method::HEAD {
        return Ok((status, headers).into_response());
    }
    // One line for a download, however many parts it is fetched in.
    if range.start == 0 {
        caller.audit(AuditNote::new("export.download", &export.file_name));
    }
    let archives = &state.operations.deps().archives;
    // Less than was announced breaks the connection: nobody takes a part for the whole.
    let bytes = archives.read(&stored.location, range).await?;
    Ok((status, headers, Body::from_stream(bytes)).into_response())
}

fn describe(export: &Export, tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let name = export.file_name.as_str();
    let kind = match name.rsplit_once('.') {
        Some((_, "gz")) => "application/gzip",
        Some((_, "zst")) => "application/zstd",
        _ => "application/x-tar",
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    put(&mut headers, header::ETAG, tag);
    put(&mut headers, header::CONTENT_DISPOSITION, &disposition(name));
    headers
}

/// An attachment of that name (RFC 6266): in ASCII for old clients, and as it is where that is not enough.
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !"\"\\%;".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    // A form writes a space as a plus, and a header as `%20`.
    let encoded: String = byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20");
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// Whether a list of tags names this one; what is only weakly equal is equal enough to be kept.
fn names(tags: &str, tag: &str) -> bool {
    any(tags, |given| given.strip_prefix("W/").unwrap_or(given) == tag)
}

/// Whether a list of tags names exactly this one (RFC 9110, section 13.1.1).
fn is_among(tags: &str, tag: &str) -> bool {
    any(tags, |given| given == tag)
}

fn any(tags: &str, is_meant: impl Fn(&str) -> bool) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|given| given == "*" || is_meant(given))
}

/// Whether the caller's part is of this file: without `If-Range` it believes so itself.
fn is_current(asked: &HeaderMap, tag: &str) -> bool {
    text(asked, &header::IF_RANGE).is_none_or(|given| given == tag)
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{disposition, names};

    #[test]
    fn names_of_every_kind() {
        assert_eq!(
            disposition("nginx_1.27.tar"),
            "attachment; filename=\"nginx_1.27.tar\"; filename*=UTF-8''nginx_1.27.tar"
        );
        assert_eq!(
            disposition("镜 像.tar"),
            "attachment; filename=\"___.tar\"; filename*=UTF-8''%E9%95%9C%20%E5%83%8F.tar"
        );
        let nasty = disposition("a\"; filename=\"b\r\n.tar");
        assert!(
            !nasty.contains('\r') && nasty.matches('"').count() == 2,
            "{nasty}"
        );
    }

    #[test]
    fn tags_are_compared() {
        assert!(names("\"a\", W/\"b\"", "\"b\"") && names("*", "\"b\""));
        assert!(!names("\"a\"", "\"b\"") && !names("", "\"b\""));
    }
}
