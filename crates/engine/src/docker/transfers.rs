use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::try_unfold;
use hyper::body::Incoming;
use hyper::header::HeaderName;
use imagefleet_model::{ErrorCode, Failure, RegistryAuth};

use super::auth;
use super::call::{Call, segment};
use super::client::{Client, next_chunk};
use super::connection::Limits;
use super::errors::Topic;
use super::images::parse;
use super::progress::TransferState;
use crate::{PullRequest, Result, Stream, TransferUpdate};

const REGISTRY_AUTH: HeaderName = HeaderName::from_static("x-registry-auth");

pub(super) async fn pull(client: &Client, request: PullRequest) -> Result<Stream<TransferUpdate>> {
    let reference = parse(&request.reference)?.with_default_tag();
    // A digest goes where the tag goes, and it wins: a name alone would pull every tag.
    let version = reference.digest().or(reference.tag()).unwrap_or("latest");
    let mut call = Call::post("/images/create", Topic::Registry)
        .query("fromImage", &reference.repository())
        .query("tag", version)
        .within(client.limits.first_message);
    if let Some(platform) = &request.platform {
        call = call.query("platform", platform);
    }
    if let Some(auth) = &request.auth {
        call = call.header(REGISTRY_AUTH, auth::header(Some(auth)));
    }
    let podman = client.spoken().await?.podman;
    let body = client.open(call).await?;
    Ok(updates(body, Topic::Registry, client.limits, !podman))
}

pub(super) async fn push(
    client: &Client,
    reference: &str,
    auth: Option<&RegistryAuth>,
) -> Result<Stream<TransferUpdate>> {
    let reference = parse(reference)?.with_default_tag();
    let call = Call::post(
        format!("/images/{}/push", segment(&reference.repository())?),
        Topic::Registry,
    )
    .query("tag", reference.tag().unwrap_or("latest"))
    .header(REGISTRY_AUTH, auth::header(auth))
    .within(client.limits.first_message);
    let podman = client.spoken().await?.podman;
    let body = client.open(call).await?;
    Ok(updates(body, Topic::Registry, client.limits, !podman))
}

/// Where messages come from, with a limit on how long the next piece may take.
pub(super) trait Source: Send + 'static {
    fn next(&mut self, limit: Duration) -> impl Future<Output = Result<Option<Bytes>>> + Send;
}

impl Source for Incoming {
    async fn next(&mut self, limit: Duration) -> Result<Option<Bytes>> {
        next_chunk(self, Some(limit)).await
    }
}

/// A source with a patience of its own.
impl Source for Stream<Bytes> {
    async fn next(&mut self, _: Duration) -> Result<Option<Bytes>> {
        StreamExt::next(self).await.transpose()
    }
}

/// What [`updates`] carries from one picture to the next.
struct Reading<S> {
    body: S,
    state: TransferState,
    limits: Limits,
    must_conclude: bool,
    failure: Option<Failure>,
    first: bool,
}

/// The engine's messages as pictures. With `must_conclude`, an end without the engine's last word is a failure: an
/// engine that is shut down in the middle ends its answer properly.
pub(super) fn updates(
    body: impl Source,
    topic: Topic,
    limits: Limits,
    must_conclude: bool,
) -> Stream<TransferUpdate> {
    let reading = Reading {
        body,
        state: TransferState::new(topic),
        limits,
        must_conclude,
        failure: None,
        first: true,
    };
    try_unfold(reading, move |mut reading| async move {
        loop {
            if let Some(failure) = reading.failure.take() {
                return Err(failure);
            }
            let limit = reading.patience();
            let Some(chunk) = reading.body.next(limit).await? else {
                reading.state.finish()?;
                if reading.must_conclude && !reading.state.concluded() {
                    return Err(unfinished(topic));
                }
                return Ok(None);
            };
            reading.first = false;
            let (update, outcome) = reading.state.push(&chunk);
            reading.failure = outcome.err();
            if let Some(update) = update {
                return Ok(Some((update, reading)));
            }
        }
    })
    .boxed()
}

/// What it means that the engine's last word is missing. A load that brought nothing has none.
fn unfinished(topic: Topic) -> Failure {
    if topic == Topic::Load {
        return Failure::new(
            ErrorCode::NotAnArchive,
            "the engine found no image in the archive",
        );
    }
    Failure::passing(
        ErrorCode::EngineDisconnected,
        "the engine ended its answer without a result",
        Duration::ZERO,
    )
}

impl<S> Reading<S> {
    fn patience(&self) -> Duration {
        if self.state.silent_phase() {
            self.limits.preparing
        } else if self.first {
            self.limits.first_message
        } else {
            self.limits.idle
        }
    }
}
