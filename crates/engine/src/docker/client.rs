//! HTTP with one engine: the negotiated prefix on every call, limits on every wait, failures in our words.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use chrono::DateTime;
use futures_util::StreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::DATE;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use imagefleet_model::{Clock as _, Endpoint, ErrorCode, Failure, SystemClock, Timestamp, retry_after};
use serde::de::DeserializeOwned;

use super::call::Call;
use super::connection::{Connection, Limits};
use super::errors::{Topic, refused};
use super::transport::Connector;
use super::transport_failure::{lost_body, not_sent, timed_out};
use super::version::{Spoken, VersionAnswer};
use crate::{Body, Result};

/// No list of an engine is longer.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;
/// Of an error's body, this much is read.
const LONGEST_COMPLAINT: usize = 64 * 1024;
/// Connections that wait for the next question.
const IDLE_CONNECTIONS: usize = 2;

type RequestBody = UnsyncBoxBody<Bytes, std::io::Error>;
type Http = legacy::Client<Connector, RequestBody>;

/// One engine's HTTP client. Opens nothing before the first call.
#[derive(Debug)]
pub(super) struct Client {
    /// For calls that ask: keeps connections.
    pooled: Http,
    /// For streams: a connection of its own each, which ends when the stream is dropped. A kept one might have died
    /// unnoticed, and a body that has begun cannot be sent again.
    fresh: Http,
    connector: Connector,
    authority: String,
    pub limits: Limits,
    spoken: Mutex<Option<Spoken>>,
}

impl Client {
    pub fn new(connection: &Connection) -> Self {
        let connector = Connector::new(connection);
        let build = |idle: usize, connector: Connector| {
            legacy::Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_max_idle_per_host(idle)
                .build(connector)
        };
        Self {
            pooled: build(IDLE_CONNECTIONS, connector.clone()),
            fresh: build(0, connector.alone()),
            authority: match &connection.endpoint {
                Endpoint::Tcp { host, port } | Endpoint::Tcps { host, port } => format!("{host}:{port}"),
                Endpoint::Unix(_) | Endpoint::Ssh { .. } => "localhost".to_owned(),
            },
            connector,
            limits: connection.limits,
            spoken: Mutex::new(None),
        }
    }

    pub fn observed_host_key(&self) -> Option<String> {
        self.connector.observed_host_key()
    }

    /// The SSH host key that the machine before the server showed.
    pub fn observed_jump_key(&self) -> Option<String> {
        self.connector.observed_jump_key()
    }

    /// What is spoken with this engine, asked once.
    pub async fn spoken(&self) -> Result<Spoken> {
        let known = *self.spoken.lock().unwrap_or_else(PoisonError::into_inner);
        match known {
            Some(spoken) => Ok(spoken),
            None => self.negotiate().await.map(|(_, spoken)| spoken),
        }
    }

    /// Asks for the engine's versions (`GET /version`, the one call without a prefix) and keeps what is spoken.
    pub async fn negotiate(&self) -> Result<(VersionAnswer, Spoken)> {
        let call = Call::get("/version", Topic::Engine);
        let asked = async {
            let response = self.exchange(&self.pooled, &call, None, None).await?;
            let status = response.status();
            let body = collect(response.into_body(), LONGEST_COMPLAINT).await?;
            if status.is_server_error() {
                return Err(refused(Topic::Engine, status, None, &body));
            }
            serde_json::from_slice::<VersionAnswer>(&body).map_err(|_| no_engine(status, &body))
        };
        let answer = tokio::time::timeout(self.limits.answer, asked)
            .await
            .unwrap_or_else(|_| Err(timed_out(self.limits.answer)))?;
        let spoken = answer.negotiate()?;
        *self.spoken.lock().unwrap_or_else(PoisonError::into_inner) = Some(spoken);
        Ok((answer, spoken))
    }

    /// A call whose whole answer is JSON.
    pub async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let body = self.answer(call).await?;
        serde_json::from_slice(&body).map_err(|error| {
            Failure::new(
                ErrorCode::EngineError,
                format!("the engine's answer cannot be read: {error}"),
            )
        })
    }

    /// A call whose answer says nothing beyond its success.
    pub async fn tell(&self, call: Call) -> Result<()> {
        self.answer(call).await.map(drop)
    }

    async fn answer(&self, call: Call) -> Result<Bytes> {
        let limit = call.limit.unwrap_or(self.limits.answer);
        let asked = async {
            let mut again = call.method == Method::GET;
            loop {
                let attempt = async {
                    let response = self.send(&self.pooled, &call).await?;
                    collect(response.into_body(), LONGEST_ANSWER).await
                };
                match attempt.await {
                    // A kept connection that had died: asking twice does no harm.
                    Err(failure) if failure.code == ErrorCode::EngineDisconnected && again => again = false,
                    other => return other,
                }
            }
        };
        tokio::time::timeout(limit, asked)
            .await
            .unwrap_or_else(|_| Err(timed_out(limit)))
    }

    /// A call whose answer is a stream: its head within the limit, then [`next_chunk`].
    pub async fn open(&self, call: Call) -> Result<Incoming> {
        let limit = call.limit.unwrap_or(self.limits.answer);
        tokio::time::timeout(limit, self.send(&self.fresh, &call))
            .await
            .unwrap_or_else(|_| Err(timed_out(limit)))
            .map(Response::into_body)
    }

    /// A call with a body of its own, on a connection of its own. It waits without a limit of its own for the head
    /// of the answer: the caller watches whether the body moves.
    pub async fn upload(&self, call: &Call, body: Body) -> Result<Incoming> {
        let spoken = self.spoken().await?;
        let frames = StreamBody::new(body.map(|chunk| chunk.map(Frame::data)));
        let body = BodyExt::boxed_unsync(frames);
        let response = self.exchange(&self.fresh, call, Some(spoken), Some(body)).await?;
        self.accepted(call, response).await.map(Response::into_body)
    }

    /// Sends with the spoken prefix; negotiates again, once, when the engine no longer takes it.
    async fn send(&self, http: &Http, call: &Call) -> Result<Response<Incoming>> {
        let spoken = self.spoken().await?;
        let response = self.exchange(http, call, Some(spoken), None).await?;
        match self.accepted(call, response).await {
            Err(failure) if failure.code == ErrorCode::ApiVersionUnsupported => {
                let (_, spoken) = self.negotiate().await?;
                let response = self.exchange(http, call, Some(spoken), None).await?;
                self.accepted(call, response).await
            }
            other => other,
        }
    }

    async fn exchange(
        &self,
        http: &Http,
        call: &Call,
        spoken: Option<Spoken>,
        body: Option<RequestBody>,
    ) -> Result<Response<Incoming>> {
        let prefix = spoken.map_or_else(String::new, |spoken| format!("/v{}", spoken.version));
        let mark = if call.query.is_empty() { "" } else { "?" };
        let uri = format!(
            "http://{}{prefix}{}{mark}{}",
            self.authority, call.path, call.query
        );
        let mut request = Request::builder().method(call.method.clone()).uri(uri);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let body = body.unwrap_or_else(|| {
            Full::new(call.body.clone())
                .map_err(|never| match never {})
                .boxed_unsync()
        });
        let request = request.body(body).map_err(|error| {
            Failure::new(ErrorCode::InvalidInput, format!("this cannot be sent: {error}"))
        })?;
        tracing::debug!(method = %call.method, path = call.path, "asking an engine");
        let began = Instant::now();
        let answered = http.request(request).await;
        let outcome = answered
            .as_ref()
            .map_or("unreachable", |answer| outcome(answer.status()));
        metrics::histogram!("imagefleet_engine_call_seconds", "call" => call.name(), "outcome" => outcome)
            .record(began.elapsed().as_secs_f64());
        answered.map_err(|error| {
            // The engine may come back as another one.
            *self.spoken.lock().unwrap_or_else(PoisonError::into_inner) = None;
            not_sent(&error)
        })
    }

    async fn accepted(&self, call: &Call, response: Response<Incoming>) -> Result<Response<Incoming>> {
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let wait = response
            .headers()
            .get(hyper::header::RETRY_AFTER)
            .and_then(|value| retry_after(value.to_str().ok()?, told_at(response.headers())));
        let read = tokio::time::timeout(
            self.limits.answer,
            collect(response.into_body(), LONGEST_COMPLAINT),
        );
        let body = read.await.ok().and_then(Result::ok).unwrap_or_default();
        if status == StatusCode::BAD_REQUEST && is_about_version(&body) {
            *self.spoken.lock().unwrap_or_else(PoisonError::into_inner) = None;
            let mut failure = refused(call.topic, status, Some(Duration::ZERO), &body);
            failure.code = ErrorCode::ApiVersionUnsupported;
            return Err(failure);
        }
        Err(refused(call.topic, status, wait, &body))
    }
}

/// The next bytes of a stream; `None` at its end.
pub(super) async fn next_chunk(body: &mut Incoming, idle: Option<Duration>) -> Result<Option<Bytes>> {
    loop {
        let next = body.frame();
        let frame = match idle {
            Some(limit) => tokio::time::timeout(limit, next)
                .await
                .map_err(|_| timed_out(limit))?,
            None => next.await,
        };
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(lost_body(&error)),
            // Trailers say nothing.
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Ok(Some(data)),
                Err(_) => {}
            },
        }
    }
}

async fn collect(mut body: Incoming, most: usize) -> Result<Bytes> {
    let mut all = BytesMut::new();
    while let Some(chunk) = next_chunk(&mut body, None).await? {
        if all.len() + chunk.len() > most {
            return Err(Failure::new(
                ErrorCode::EngineError,
                format!("the engine's answer is longer than {} MiB", most / (1024 * 1024)),
            ));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// The moment of an answer by the clock of the one who gave it: what it says of later moments is said by that clock.
fn told_at(headers: &HeaderMap) -> Timestamp {
    headers
        .get(DATE)
        .and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok())
        .map_or_else(|| SystemClock.now(), |date| date.to_utc())
}

/// How a call was answered, for the metrics.
fn outcome(status: StatusCode) -> &'static str {
    match status.as_u16() {
        0..400 => "ok",
        429 => "limited",
        400..500 => "refused",
        _ => "failed",
    }
}

/// `client version 1.53 is too new. Maximum supported API version is 1.51`
fn is_about_version(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.contains("client version") && text.contains("API version")
}

fn no_engine(status: StatusCode, body: &[u8]) -> Failure {
    if body.starts_with(b"Client sent an HTTP request to an HTTPS server") {
        return Failure::new(
            ErrorCode::TlsFailed,
            "the engine wants TLS: write the endpoint as tcps:// and give the CA and the client certificate",
        );
    }
    Failure::new(
        ErrorCode::NotAnEngine,
        format!("what answers there is no Docker API: GET /version answers {status} without a version"),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hyper::HeaderMap;
    use hyper::header::{DATE, HeaderValue};

    use super::{retry_after, told_at};

    #[test]
    fn later_moments_are_those_of_the_clock_that_tells_them() {
        let mut headers = HeaderMap::new();
        let at = "Wed, 21 Oct 2015 07:28:30 GMT";
        assert_eq!(
            retry_after(at, told_at(&headers)),
            Some(Duration::ZERO),
            "long past by ours"
        );
        headers.insert(DATE, HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT"));
        assert_eq!(retry_after(at, told_at(&headers)), Some(Duration::from_secs(30)));
    }
}
