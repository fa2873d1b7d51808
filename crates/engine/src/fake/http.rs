//! A fake engine behind a socket: enough of the Docker API that the real connector can be driven through faults that
//! strike on the wire.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::FakeEngine;
use super::faults::{Fault, FaultyCall};
use super::routes::{API_VERSION, Asked};
use crate::Stream;

/// What an engine of the wrong age says it speaks.
const OLD_VERSION: &str = "1.29";
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
                // Those that have ended are not kept.
                while connections.try_join_next().is_some() {}
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
        let asked = Asked::new(request, route.clone());
        let call = asked.call();
        let fault = self.0.faults.take(call);
        match &fault {
            Some(Fault::Offline) => return Err(std::io::ErrorKind::ConnectionAborted.into()),
            Some(Fault::Status {
                status,
                retry_after,
                message,
            }) => return Ok(status_answer(*status, *retry_after, message)),
            Some(Fault::OldVersion) if route == "/version" => {
                return Ok(whole(
                    &json!({"Version": "17.05.0-ce", "ApiVersion": OLD_VERSION}),
                ));
            }
            Some(Fault::OldVersion) => {
                let spoken = version.unwrap_or_default();
                let words = format!(
                    "client version {spoken} is too new. Maximum supported API version is {OLD_VERSION}"
                );
                return Ok(status_answer(400, None, &words));
            }
            Some(Fault::Hang) if !is_stream(call) => tokio::time::sleep(FOREVER).await,
            _ => {}
        }
        if version.is_none() && route != "/version" {
            return Ok(status_answer(400, None, "this engine wants a version"));
        }
        let bytes = match self.routed(asked).await {
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
        Ok(versioned(Response::new(
            StreamBody::new(struck.map_ok(Frame::data)).boxed_unsync(),
        )))
    }
}

/// Whether the answer begins at once and goes on for long: a fault strikes in its middle then.
const fn is_stream(call: FaultyCall) -> bool {
    matches!(
        call,
        FaultyCall::Pull | FaultyCall::Push | FaultyCall::Save | FaultyCall::Events | FaultyCall::Watch
    )
}

fn versioned(mut answer: Answer) -> Answer {
    let version = hyper::header::HeaderValue::from_static(API_VERSION);
    answer.headers_mut().insert("api-version", version);
    answer
}

fn whole(value: &Value) -> Answer {
    let body = Full::new(Bytes::from(value.to_string()));
    Response::new(body.map_err(|never: Infallible| match never {}).boxed_unsync())
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
