//! Archives for tests, and the ways in which they come and go.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use imagefleet_archive::build::{BuiltImage, Tar};
use serde_json::Value;

use crate::app::Client;

/// An image for `linux/amd64` with a layer of each of these seeds: a file of `size` bytes that no compression shrinks.
#[must_use]
pub fn image(references: &[&str], seeds: &[u64], size: usize) -> BuiltImage {
    let layers = seeds.iter().map(|seed| {
        let name = format!("data-{seed}");
        Tar::new().file(&name, &noise(*seed, size)).finish()
    });
    BuiltImage::new(references, "amd64", layers.collect())
}

/// Bytes that look random, the same for the same seed.
#[must_use]
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// What came back, as bytes.
#[derive(Debug)]
pub struct Raw {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Bytes,
}

impl Raw {
    /// A header as text, empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The stable word of an error.
    #[must_use]
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.bytes).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Client<'_> {
    /// Sends a request with these headers; the path is whole.
    ///
    /// # Panics
    /// When it is no request, or its answer breaks.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Raw {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.send(request.body(body.into()).expect("a request")).await;
        let (parts, body) = answer.into_parts();
        Raw {
            status: parts.status,
            headers: parts.headers,
            bytes: body.collect().await.expect("a whole body").to_bytes(),
        }
    }

    /// Uploads a file; the upload's id.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn upload(&self, bytes: impl Into<Bytes>) -> String {
        let bytes: Bytes = bytes.into();
        let length = bytes.len().to_string();
        let headers = [
            ("tus-resumable", "1.0.0"),
            ("upload-length", length.as_str()),
            ("upload-metadata", "filename dGVzdC50YXI="),
            ("content-type", "application/offset+octet-stream"),
        ];
        let created = self.raw("POST", "/api/v1/uploads", &headers, bytes).await;
        assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
        assert_eq!(created.header("upload-offset"), length);
        let location = created.header(header::LOCATION.as_str());
        location.rsplit('/').next().expect("an id").to_owned()
    }

    /// Downloads a file.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn download(&self, path: &str) -> Bytes {
        let file = self.raw("GET", path, &[], Body::empty()).await;
        assert_eq!(file.status, StatusCode::OK, "{}", file.code());
        file.bytes
    }
}
