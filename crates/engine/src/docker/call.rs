use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::HeaderName;
use imagefleet_model::{ErrorCode, Failure};
use serde::Serialize;

use super::errors::Topic;
use crate::Result;

/// One request to an engine, without the version's prefix.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: Vec<(HeaderName, String)>,
    pub body: Bytes,
    pub topic: Topic,
    /// Until the head of the answer, or, for calls without a stream, until its last byte; the usual when `None`.
    pub limit: Option<Duration>,
}

impl Call {
    pub fn new(method: Method, path: impl Into<String>, topic: Topic) -> Self {
        Self {
            method,
            path: path.into(),
            query: String::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            topic,
            limit: None,
        }
    }

    pub fn get(path: impl Into<String>, topic: Topic) -> Self {
        Self::new(Method::GET, path, topic)
    }

    pub fn post(path: impl Into<String>, topic: Topic) -> Self {
        Self::new(Method::POST, path, topic)
    }

    pub fn delete(path: impl Into<String>, topic: Topic) -> Self {
        Self::new(Method::DELETE, path, topic)
    }

    /// What it asks for, as a word of a small set: for the metrics.
    pub fn name(&self) -> &'static str {
        let mut parts = self.path.trim_start_matches('/').split('/');
        let noun = parts.next().unwrap_or_default();
        let rest = parts.collect::<Vec<_>>();
        match (noun, &self.method, rest.as_slice()) {
            ("version" | "info", ..) => "info",
            ("_ping", ..) => "ping",
            ("events", ..) => "events",
            ("networks", ..) => "networks",
            ("images", &Method::GET, ["json"]) => "images",
            ("images", &Method::GET, ["get", ..]) => "save",
            ("images", &Method::GET, _) => "image",
            ("images", &Method::DELETE, _) => "remove_image",
            ("images", _, ["create"]) => "pull",
            ("images", _, ["load"]) => "load",
            ("images", _, [.., "tag"]) => "tag",
            ("images", _, [.., "push"]) => "push",
            ("containers", &Method::GET, ["json"]) => "containers",
            ("containers", &Method::GET, [.., "logs"]) => "logs",
            ("containers", &Method::GET, [.., "stats"]) => "stats",
            ("containers", &Method::GET, _) => "container",
            ("containers", &Method::DELETE, _) => "remove_container",
            ("containers", _, ["create"]) => "create_container",
            ("containers", ..) => "change_container",
            _ => "other",
        }
    }

    pub fn query(mut self, name: &str, value: &str) -> Self {
        let mut pairs = url::form_urlencoded::Serializer::new(std::mem::take(&mut self.query));
        pairs.append_pair(name, value);
        self.query = pairs.finish();
        self
    }

    pub fn flag(self, name: &str, set: bool) -> Self {
        if set { self.query(name, "1") } else { self }
    }

    pub fn header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn json(mut self, value: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(value).map_err(|error| {
            Failure::new(
                ErrorCode::Internal,
                format!("a request cannot be written: {error}"),
            )
        })?;
        self.body = Bytes::from(body);
        Ok(self.header(hyper::header::CONTENT_TYPE, "application/json".to_owned()))
    }

    pub const fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// A name as a part of a path: references keep their `/`, `:` and `@`, everything else that means something in an
/// address is escaped. What would lead elsewhere (`..`) is refused: engines clean paths before they route.
pub(super) fn segment(name: &str) -> Result<String> {
    let wanders = name.is_empty() || name.split('/').any(|part| matches!(part, "" | "." | ".."));
    if wanders {
        let shown: String = name.chars().take(120).collect();
        return Err(Failure::new(
            ErrorCode::InvalidReference,
            format!("\"{shown}\" is no name of an image or container"),
        ));
    }
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{Call, Topic, segment};

    #[test]
    fn names_stay_in_their_place() {
        assert_eq!(
            segment("127.0.0.1:5000/a/b:1@sha256:0"),
            Ok("127.0.0.1:5000/a/b:1@sha256:0".to_owned())
        );
        assert_eq!(segment("a?force=1#x%"), Ok("a%3Fforce%3D1%23x%25".to_owned()));
        for bad in ["", "..", "../containers", "a/../b", "a//b", "/a", "./a"] {
            assert!(segment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn calls_have_names_of_a_small_set() {
        for (call, name) in [
            (Call::get("/images/json", Topic::Engine), "images"),
            (
                Call::get("/images/127.0.0.1:5000/a/b:1/json", Topic::Image),
                "image",
            ),
            (Call::post("/images/team/app/push", Topic::Registry), "push"),
            (Call::delete("/images/json", Topic::Image), "remove_image"),
            (
                Call::post("/containers/0/start", Topic::Container),
                "change_container",
            ),
            (Call::get("/x", Topic::Engine), "other"),
        ] {
            assert_eq!(call.name(), name);
        }
    }

    #[test]
    fn queries_are_escaped() {
        let call = Call::get("/x", Topic::Engine)
            .query("a", "b&c=d")
            .flag("f", true)
            .flag("g", false);
        assert_eq!(call.query, "a=b%26c%3Dd&f=1");
    }
}
