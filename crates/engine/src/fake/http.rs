//! A fake engine behind a socket: enough of the Docker API that the real connector can be driven through faults that
//! strike on the wire, and the real program through a fleet of thousands. It answers `/version`, `/info`, the lists of
//! images and containers, `/images/{name}/json`, `/events`, pulls, saves, loads and removals.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use imagefleet_model::{Failure, ImageStore};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::faults::{Fault, FaultyCall};
use super::transfer::{load_lines, parse, pull_lines};
use super::{FakeEngine, archive};
use crate::{Removed, Result, Stream};

/// What it says it speaks.
const API_VERSION: &str = "1.43";
/// The oldest that it takes.
const MIN_API_VERSION: &str = "1.24";
/// Nobody waits that long.
const FOREVER: Duration = Duration::from_hours(24);

type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

impl FakeEngine {
    /// Serves this engine on a port of the loopback interface until the future that is returned with its address is
    /// dropped.
    pub async fn serve(
        &self,
    ) -> std::io::Result<(std::net::SocketAddr, impl Future<Output = ()> + Send + use<>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let engine = self.clone();
        let serving = async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let engine = engine.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        let engine = engine.clone();
                        async move { engine.answer(request).await }
                    });
                    // A connection that a fault cuts ends in an error: that is what it is for.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        };
        Ok((address, serving))
    }

    /// An error of the service closes the connection without an answer.
    async fn answer(&self, request: Request<Incoming>) -> std::result::Result<Answer, std::io::Error> {
        let path = request.uri().path().to_owned();
        let (version, route) = match path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/')) {
            Some((minor, rest)) => (Some(format!("1.{minor}")), format!("/{rest}")),
            None => (None, path),
        };
        let call = called(request.method(), &route);
        let fault = self.0.faults.take(call);
        match &fault {
            Some(Fault::Offline) => return Err(std::io::ErrorKind::ConnectionAborted.into()),
            Some(Fault::Status {
                status,
                retry_after,
                message,
            }) => return Ok(status_answer(*status, *retry_after, message)),
            Some(Fault::Hang) if call != FaultyCall::Pull && call != FaultyCall::Save => {
                tokio::time::sleep(FOREVER).await;
            }
            _ => {}
        }
        if version.is_none() && route != "/version" {
            return Ok(status_answer(400, None, "this engine wants a version"));
        }
        let bytes = match self.routed(request, &route).await {
            Ok(bytes) => bytes,
            Err(failure) => {
                return Ok(status_answer(
                    failure.code.http_status(),
                    failure.retry_after,
                    &failure.message,
                ));
            }
        };
        let struck = struck(bytes, fault);
        let mut answer = Response::new(StreamBody::new(struck.map_ok(Frame::data)).boxed_unsync());
        answer.headers_mut().insert(
            "api-version",
            hyper::header::HeaderValue::from_static(API_VERSION),
        );
        Ok(answer)
    }

    async fn routed(&self, request: Request<Incoming>, route: &str) -> Result<Stream<Bytes>> {
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let asked = |name: &str| {
            query
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
                .unwrap_or_default()
        };
        match (request.method(), route) {
            (&Method::GET, "/version") => Ok(whole(&json!({
                "Version": self.0.options.engine_version, "ApiVersion": API_VERSION, "MinAPIVersion": MIN_API_VERSION,
                "Os": "linux", "Arch": "amd64", "Components": [{"Name": "Engine"}],
            }))),
            (&Method::GET, "/info") => {
                let kind = match self.0.options.store {
                    ImageStore::Containerd => "io.containerd.snapshotter.v1",
                    _ => "extfs",
                };
                Ok(whole(
                    &json!({"DriverStatus": [["driver-type", kind]], "MemTotal": 8_i64 << 30, "NCPU": 4}),
                ))
            }
            (&Method::GET, "/images/json") => Ok(whole(&self.listed())),
            (&Method::GET, "/containers/json") => Ok(whole(&self.listed_containers())),
            (&Method::GET, "/events") => Ok(self.told(&asked("since"))),
            (&Method::GET, name) if inspected(name).is_some() => {
                Ok(whole(&self.inspected(inspected(name).unwrap_or_default())?))
            }
            (&Method::POST, "/images/create") => {
                let tag = asked("tag");
                let mark = if tag.starts_with("sha256:") { '@' } else { ':' };
                let reference = parse(&format!("{}{mark}{tag}", asked("fromImage")))?;
                let content = self.registry().content(&reference)?;
                let lines = pull_lines(&reference, &content, &self.lock().layers());
                let engine = self.clone();
                Ok(self.spoken(lines, move || {
                    engine.change(|state| state.store(&reference, content, "pull"));
                }))
            }
            (&Method::GET, "/images/get") => {
                let names: Vec<String> = query
                    .into_iter()
                    .filter(|(key, _)| key == "names")
                    .map(|(_, name)| name)
                    .collect();
                Ok(archive::pieces(self.saved(&names)?))
            }
            (&Method::POST, "/images/load") => {
                let body = request.into_body().into_data_stream();
                let brought = self.loaded(Box::pin(body.map_err(std::io::Error::other))).await?;
                Ok(self.spoken(load_lines(brought), || ()))
            }
            (&Method::DELETE, name) => {
                let name = name.trim_start_matches("/images/");
                let removed = self.change(|state| state.remove(name, asked("force") == "1"))?;
                let lines: Vec<Value> = removed
                    .into_iter()
                    .map(|line| match line {
                        Removed::Untagged(name) => json!({"Untagged": name}),
                        Removed::Deleted(id) => json!({"Deleted": id}),
                    })
                    .collect();
                Ok(whole(&Value::from(lines)))
            }
            _ => Err(Failure::new(
                imagefleet_model::ErrorCode::NotFound,
                "page not found",
            )),
        }
    }
}

fn called(method: &Method, route: &str) -> FaultyCall {
    match (method.as_str(), route) {
        ("POST", "/images/create") => FaultyCall::Pull,
        ("GET", "/images/get") => FaultyCall::Save,
        ("POST", "/images/load") => FaultyCall::Load,
        ("DELETE", _) => FaultyCall::RemoveImage,
        (_, "/images/json") => FaultyCall::Images,
        (_, name) if inspected(name).is_some() => FaultyCall::Images,
        (_, "/containers/json") => FaultyCall::Containers,
        (_, "/events") => FaultyCall::Events,
        _ => FaultyCall::Info,
    }
}

/// The image that `/images/{name}/json` asks about.
fn inspected(route: &str) -> Option<&str> {
    route.strip_prefix("/images/")?.strip_suffix("/json")
}

fn whole(value: &Value) -> Stream<Bytes> {
    let bytes = Bytes::from(value.to_string());
    futures_util::stream::iter([Ok(bytes)]).boxed()
}

fn status_answer(status: u16, retry_after: Option<Duration>, message: &str) -> Answer {
    let mut builder = Response::builder().status(status);
    if let Some(wait) = retry_after {
        builder = builder.header(hyper::header::RETRY_AFTER, wait.as_secs());
    }
    let body = Full::new(Bytes::from(json!({"message": message}).to_string()));
    let body = body.map_err(|never: Infallible| match never {}).boxed_unsync();
    builder.body(body).unwrap_or_default()
}

/// The fault on the wire. A cut is an error of the body: the connection ends in the middle of a chunked answer.
fn struck(
    bytes: Stream<Bytes>,
    fault: Option<Fault>,
) -> Pin<Box<dyn futures_util::Stream<Item = std::io::Result<Bytes>> + Send>> {
    let silent = matches!(fault, Some(Fault::Hang));
    let struck = if silent {
        bytes
    } else {
        super::faults::strike_stream(bytes, fault)
    };
    let out = struck.map_err(std::io::Error::other);
    if silent {
        return Box::pin(out.take(1).chain(futures_util::stream::pending()));
    }
    Box::pin(out)
}
