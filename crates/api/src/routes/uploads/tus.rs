use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use imagefleet_model::{ErrorCode, byte_count};
use imagefleet_operations::uploads::{Algorithm, Checksum};

use crate::Problem;

/// The version of the protocol that is spoken.
pub const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
/// The media type of an upload's bytes.
pub const OFFSET_OCTET_STREAM: &str = "application/offset+octet-stream";

pub const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
pub const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
pub const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
pub const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");

/// Puts `Tus-Resumable` on every answer, errors too.
pub async fn resumable(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(TUS_RESUMABLE, VERSION);
    response
}

/// Refuses another version of the protocol (412). A browser may look and delete without speaking it at all.
pub fn check_version(headers: &HeaderMap, must_speak: bool) -> Result<(), Problem> {
    match headers.get(&TUS_RESUMABLE) {
        Some(version) if version == VERSION => Ok(()),
        None if !must_speak => Ok(()),
        _ => {
            let sentence = "This speaks version 1.0.0 of the tus protocol: send Tus-Resumable: 1.0.0.";
            Err(Problem::new(ErrorCode::InvalidInput, sentence)
                .with_status(StatusCode::PRECONDITION_FAILED)
                .with_header(TUS_VERSION, VERSION))
        }
    }
}

/// A header that holds a number of bytes.
pub fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    byte_count(value.as_bytes())
        .map(Some)
        .ok_or_else(|| bad(name, "must be a number of bytes"))
}

/// What a request's bytes must sum up to, when it says so.
pub fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Problem> {
    let Some(value) = headers.get(&UPLOAD_CHECKSUM) else {
        return Ok(None);
    };
    let (word, sum) = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().split_once(' '))
        .ok_or_else(|| bad(&UPLOAD_CHECKSUM, "must be an algorithm and a sum in Base64"))?;
    let algorithm = Algorithm::from_word(word)
        .ok_or_else(|| bad(&UPLOAD_CHECKSUM, "must be computed by sha1 or sha256"))?;
    let sum = STANDARD
        .decode(sum.trim())
        .map_err(|_| bad(&UPLOAD_CHECKSUM, "the sum must be in Base64"))?;
    Ok(Some(Checksum { algorithm, sum }))
}

/// The sender's own words, checked: `key Base64,key`.
pub fn metadata(headers: &HeaderMap) -> Result<String, Problem> {
    let wrong = || {
        bad(
            &UPLOAD_METADATA,
            "must be keys with values in Base64, separated by commas",
        )
    };
    let Some(value) = headers.get(&UPLOAD_METADATA) else {
        return Ok(String::new());
    };
    let text = value.to_str().map_err(|_| wrong())?.trim();
    for pair in text.split(',').filter(|_| !text.is_empty()) {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        if key.is_empty() || STANDARD.decode(value.trim()).is_err() {
            return Err(wrong());
        }
    }
    Ok(text.to_owned())
}

/// The file's name among the sender's words.
pub fn file_name(metadata: &str) -> Option<String> {
    metadata.split(',').find_map(|pair| {
        let (key, value) = pair.trim().split_once(' ')?;
        if !matches!(key, "filename" | "name") {
            return None;
        }
        let bytes = STANDARD.decode(value.trim()).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    })
}

/// A moment as HTTP headers write it (RFC 9110, IMF-fixdate).
pub fn http_date(at: DateTime<Utc>) -> HeaderValue {
    let text = at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("0"))
}

/// Whether these headers announce the bytes of an upload.
pub fn has_bytes(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(OFFSET_OCTET_STREAM))
}

fn bad(name: &HeaderName, what: &str) -> Problem {
    Problem::new(ErrorCode::InvalidInput, format!("{name}: {what}.")).with_status(StatusCode::BAD_REQUEST)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, StatusCode};
    use base64::Engine as _;
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::{
        STANDARD, TUS_RESUMABLE, UPLOAD_CHECKSUM, UPLOAD_METADATA, UPLOAD_OFFSET, check_version, checksum,
        file_name, http_date, metadata, number,
    };

    fn with(name: &axum::http::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name.clone(), HeaderValue::from_str(value).expect("a value"));
        headers
    }

    #[test]
    fn versions() {
        assert!(check_version(&with(&TUS_RESUMABLE, "1.0.0"), true).is_ok());
        assert!(check_version(&HeaderMap::new(), false).is_ok());
        for headers in [with(&TUS_RESUMABLE, "0.2.2"), HeaderMap::new()] {
            let problem = check_version(&headers, true).expect_err("refused");
            assert_eq!(problem.status(), StatusCode::PRECONDITION_FAILED);
        }
    }

    #[test]
    fn words_of_the_sender() {
        let headers = with(
            &UPLOAD_METADATA,
            "filename 6ZWc5YOPLnRhcg==,is_confidential, filetype YQ==",
        );
        let words = metadata(&headers).expect("good");
        assert_eq!(file_name(&words).as_deref(), Some("镜像.tar"));
        for wrong in ["filename ?", ",", "a b c"] {
            assert!(
                metadata(&with(&UPLOAD_METADATA, wrong)).is_err(),
                "{wrong} was taken"
            );
        }
        assert_eq!(metadata(&with(&UPLOAD_METADATA, "")).expect("empty"), "");
    }

    #[test]
    fn sums() {
        let good = checksum(&with(&UPLOAD_CHECKSUM, "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="));
        assert_eq!(good.expect("good").expect("there").sum.len(), 20);
        for wrong in ["md5 aGFsbG8=", "sha1", "sha1 %", ""] {
            assert!(
                checksum(&with(&UPLOAD_CHECKSUM, wrong)).is_err(),
                "{wrong} was taken"
            );
        }
    }

    #[test]
    fn dates() {
        let at = DateTime::from_timestamp(784_111_777, 0).expect("a moment");
        assert_eq!(http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_they_are_written(value in 0..=i64::MAX) {
            let headers = with(&UPLOAD_OFFSET, &value.to_string());
            prop_assert_eq!(number(&headers, &UPLOAD_OFFSET).expect("good"), Some(value.unsigned_abs()));
        }

        #[test]
        fn words_are_read_as_they_are_written(name in "\\PC{1,30}", other in "[a-z]{1,8}") {
            let words = format!("x{other} {}, filename {}", STANDARD.encode(&other), STANDARD.encode(&name));
            let words = metadata(&with(&UPLOAD_METADATA, &words)).expect("good");
            prop_assert_eq!(file_name(&words), Some(name));
        }

        #[test]
        fn any_header_is_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
            for name in [UPLOAD_METADATA, UPLOAD_CHECKSUM, UPLOAD_OFFSET, TUS_RESUMABLE] {
                let mut headers = HeaderMap::new();
                headers.insert(name, value.clone());
                let sum = checksum(&headers);
                prop_assert!(sum.is_err() || bytes.contains(&b' ') || !headers.contains_key(&UPLOAD_CHECKSUM));
                if let Ok(words) = metadata(&headers) {
                    let _ = file_name(&words);
                }
                prop_assert!(number(&headers, &UPLOAD_OFFSET).ok().flatten().is_none_or(|n| i64::try_from(n).is_ok()));
                let _ = check_version(&headers, true);
            }
        }
    }
}
