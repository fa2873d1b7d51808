//! The Docker API of a fake engine: its routes, and its answers as an engine writes them.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use hyper::body::Incoming;
use hyper::{Method, Request};
use imagefleet_model::{ErrorCode, Failure, ImageStore, Timestamp};
use serde_json::{Value, json};

use super::answers;
use super::create_form::{self, CreateForm};
use super::faults::FaultyCall;
use super::transfer::{load_lines, parse, pull_lines, push_lines};
use super::{FakeEngine, archive};
use crate::{LogOptions, LogStream, Removed, Result, Stream};

/// What it says it speaks.
pub(super) const API_VERSION: &str = "1.43";
/// The oldest that it takes.
const MIN_API_VERSION: &str = "1.24";
/// No request that is read whole is longer.
const LONGEST: usize = 1024 * 1024;

/// A request of the API, its version taken off.
pub(super) struct Asked {
    method: Method,
    route: String,
    query: Vec<(String, String)>,
    body: Incoming,
}

impl Asked {
    pub fn new(request: Request<Incoming>, route: String) -> Self {
        let query = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        Self {
            method: request.method().clone(),
            query: query.into_owned().collect(),
            route,
            body: request.into_body(),
        }
    }

    /// The method of the engine that this asks for.
    pub fn call(&self) -> FaultyCall {
        let verb = self.route.rsplit('/').next().unwrap_or_default();
        let of_containers = self.route.starts_with("/containers") || self.route == "/networks";
        match (self.method.as_str(), self.route.as_str()) {
            ("POST", "/images/create") => FaultyCall::Pull,
            ("GET", "/images/get") => FaultyCall::Save,
            ("POST", "/images/load") => FaultyCall::Load,
            ("GET", "/events") => FaultyCall::Events,
            ("GET", _) if of_containers && matches!(verb, "logs" | "stats") => FaultyCall::Watch,
            ("GET", _) if of_containers => FaultyCall::Containers,
            ("POST", _) if of_containers && verb == "start" => FaultyCall::StartContainer,
            (_, _) if of_containers => FaultyCall::ChangeContainer,
            ("POST", _) if verb == "push" => FaultyCall::Push,
            ("POST", _) if verb == "tag" => FaultyCall::Tag,
            ("DELETE", _) => FaultyCall::RemoveImage,
            ("GET", route) if route.starts_with("/images") => FaultyCall::Images,
            _ => FaultyCall::Info,
        }
    }

    fn value(&self, name: &str) -> String {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn is_set(&self, name: &str) -> bool {
        self.value(name) == "1"
    }
}

impl FakeEngine {
    /// What it answers to a request.
    pub(super) async fn routed(&self, asked: Asked) -> Result<Stream<Bytes>> {
        let route = asked.route.clone();
        match (asked.method.as_str(), route.as_str()) {
            ("GET", "/version") => Ok(whole(&json!({
                "Version": self.0.options.engine_version, "ApiVersion": API_VERSION, "MinAPIVersion": MIN_API_VERSION,
                "Os": "linux", "Arch": "amd64", "Components": [{"Name": "Engine"}],
            }))),
            ("GET", "/info") => Ok(whole(&self.information())),
            ("GET", "/_ping") => Ok(text("OK")),
            ("GET", "/networks") => Ok(whole(&answers::networks())),
            ("GET", "/events") => Ok(self.spoken_events(&asked)),
            (_, route) if route.starts_with("/images/") => self.images_route(asked).await,
            (_, route) if route.starts_with("/containers/") => self.containers_route(asked).await,
            _ => Err(no_page()),
        }
    }

    async fn images_route(&self, asked: Asked) -> Result<Stream<Bytes>> {
        let path = asked.route["/images/".len()..].to_owned();
        let (name, verb) = path.rsplit_once('/').unwrap_or((path.as_str(), ""));
        match (asked.method.as_str(), path.as_str(), verb) {
            ("GET", "json", _) => {
                let listed: Vec<Value> = self.lock().list().iter().map(answers::listed_image).collect();
                Ok(whole(&Value::from(listed)))
            }
            ("GET", "get", _) => {
                let names: Vec<String> = asked
                    .query
                    .into_iter()
                    .filter(|(key, _)| key == "names")
                    .map(|(_, name)| name)
                    .collect();
                Ok(archive::pieces(self.saved(&names)?))
            }
            ("POST", "create", _) => self.pulled(&asked),
            ("POST", "load", _) => {
                let body = http_body_util::BodyExt::into_data_stream(asked.body);
                let brought = self.loaded(Box::pin(body.map_err(std::io::Error::other))).await?;
                Ok(self.spoken(load_lines(brought), || ()))
            }
            ("GET", _, "json") => Ok(whole(&answers::image(&self.told_image(name)?))),
            ("GET", _, "history") => Ok(whole(&answers::history(&self.told_history(name)?))),
            ("POST", _, "tag") => {
                let reference = parse(&format!("{}:{}", asked.value("repo"), asked.value("tag")))?;
                self.change(|state| state.tag(name, &reference))?;
                Ok(nothing())
            }
            ("POST", _, "push") => {
                let reference = parse(&format!("{name}:{}", asked.value("tag")))?;
                let content = self.lock().content(&reference.to_string())?;
                let lines = push_lines(&reference, &content, self.pace());
                let registry = self.registry().clone();
                Ok(self.spoken(lines, move || registry.accept(&reference, content)))
            }
            ("DELETE", name, _) => {
                let removed = self.change(|state| state.remove(name, asked.is_set("force")))?;
                let lines = removed.into_iter().map(|line| match line {
                    Removed::Untagged(name) => json!({"Untagged": name}),
                    Removed::Deleted(id) => json!({"Deleted": id}),
                });
                Ok(whole(&lines.collect::<Value>()))
            }
            _ => Err(no_page()),
        }
    }

    fn pulled(&self, asked: &Asked) -> Result<Stream<Bytes>> {
        let tag = asked.value("tag");
        let mark = if tag.starts_with("sha256:") { '@' } else { ':' };
        let reference = parse(&format!("{}{mark}{tag}", asked.value("fromImage")))?;
        let content = self.content_for(
            &reference,
            Some(asked.value("platform"))
                .filter(|text| !text.is_empty())
                .as_deref(),
        )?;
        let lines = pull_lines(&reference, &content, &self.lock().layers(), self.pace());
        let engine = self.clone();
        Ok(self.spoken(lines, move || {
            engine.change(|state| state.store(&reference, content, "pull"));
        }))
    }

    async fn containers_route(&self, asked: Asked) -> Result<Stream<Bytes>> {
        let path = asked.route["/containers/".len()..].to_owned();
        let (id, verb) = path.rsplit_once('/').unwrap_or((path.as_str(), ""));
        match (asked.method.as_str(), path.as_str(), verb) {
            ("GET", "json", _) => {
                let state = self.lock();
                let listed = state
                    .containers
                    .values()
                    .map(|container| answers::listed_container(&container.summary()));
                Ok(whole(&listed.collect::<Value>()))
            }
            ("POST", "create", _) => {
                let name = asked.value("name");
                let body =
                    http_body_util::BodyExt::collect(http_body_util::Limited::new(asked.body, LONGEST)).await;
                let body = body
                    .map_err(|error| Failure::new(ErrorCode::InvalidInput, error.to_string()))?
                    .to_bytes();
                let form: CreateForm = serde_json::from_slice(&body)
                    .map_err(|error| Failure::new(ErrorCode::InvalidInput, error.to_string()))?;
                let (image, spec) = create_form::read(form, name);
                let id = self.change(|state| state.create_container(&image, &spec))?;
                Ok(whole(&json!({"Id": id, "Warnings": null})))
            }
            ("GET", _, "json") => Ok(whole(&answers::container(
                &self.lock().find_container(id)?.detail(),
            ))),
            ("GET", _, "logs") => self.framed(&asked, id),
            ("GET", _, "stats") => Ok(self
                .measured(id)?
                .map_ok(|stats| line(&answers::stats(&stats)))
                .boxed()),
            ("POST", _, "start") => self.told(|state| state.start_container(id)),
            ("POST", _, "stop") => self.told(|state| state.end_container(id, 0, false)),
            ("POST", _, "kill") => self.told(|state| state.end_container(id, 137, true)),
            ("POST", _, "restart") => self.told(|state| {
                state.end_container(id, 0, false)?;
                state.start_container(id)
            }),
            ("DELETE", id, _) => self.told(|state| state.remove_container(id, asked.is_set("force"))),
            _ => Err(no_page()),
        }
    }

    fn told(&self, change: impl FnOnce(&mut super::state::State) -> Result<()>) -> Result<Stream<Bytes>> {
        self.change(change).map(|()| nothing())
    }

    /// A log in frames (Docker API, "Stream format").
    fn framed(&self, asked: &Asked, id: &str) -> Result<Stream<Bytes>> {
        let options = LogOptions {
            follow: asked.is_set("follow"),
            tail: asked.value("tail").parse().ok(),
            ..LogOptions::default()
        };
        let chunks = self.written(id, &options)?;
        let frames = chunks.map_ok(|chunk| {
            let kind = if chunk.stream == LogStream::Stderr { 2 } else { 1 };
            let length = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
            Bytes::from([&[kind, 0, 0, 0], &length[..], &chunk.bytes[..]].concat())
        });
        Ok(frames.boxed())
    }

    fn spoken_events(&self, asked: &Asked) -> Stream<Bytes> {
        let since = asked.value("since");
        let (seconds, nanos) = since.split_once('.').unwrap_or((since.as_str(), "0"));
        let since = seconds
            .parse()
            .ok()
            .and_then(|seconds| Timestamp::from_timestamp(seconds, nanos.parse().ok()?));
        self.happening(since)
            .map_ok(|event| line(&answers::event(&event)))
            .boxed()
    }

    fn information(&self) -> Value {
        let kind = match self.0.options.store {
            ImageStore::Containerd => "io.containerd.snapshotter.v1",
            _ => "extfs",
        };
        json!({"DriverStatus": [["driver-type", kind]], "MemTotal": 8_i64 << 30, "NCPU": 4})
    }
}

fn whole(value: &Value) -> Stream<Bytes> {
    text(value.to_string())
}

fn text(text: impl Into<Bytes>) -> Stream<Bytes> {
    futures_util::stream::iter([Ok(text.into())]).boxed()
}

fn nothing() -> Stream<Bytes> {
    futures_util::stream::empty().boxed()
}

fn line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}

fn no_page() -> Failure {
    Failure::new(ErrorCode::NotFound, "page not found")
}
