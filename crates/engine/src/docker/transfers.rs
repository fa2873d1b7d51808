use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::try_unfold;
use hyper::body::Incoming;
use hyper::header::HeaderName;
use imagefleet_model::{ErrorCode, Failure, RegistryAuth};
use tokio::time::Instant;

use super::auth;
use super::call::{Call, segment};
use super::client::{Client, next_chunk};
use super::connection::Limits;
use super::errors::Topic;
use super::images::parse;
use super::progress::TransferState;
use super::transport_failure::stalled;
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
    topic: Topic,
    body: S,
    state: TransferState,
    limits: Limits,
    must_conclude: bool,
    failure: Option<Failure>,
    first: bool,
    /// The last picture, and since when it is the same.
    told: TransferUpdate,
    told_at: Instant,
}

/// The engine's messages as pictures, each once however often the engine repeats it. With `must_conclude`, an end without
/// the engine's last word is a failure: an engine that is shut down in the middle ends its answer properly.
pub(super) fn updates(
    body: impl Source,
    topic: Topic,
    limits: Limits,
    must_conclude: bool,
) -> Stream<TransferUpdate> {
    let reading = Reading {
        topic,
        body,
        state: TransferState::new(topic),
        limits,
        must_conclude,
        failure: None,
        first: true,
        told: TransferUpdate::default(),
        told_at: Instant::now(),
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
            if let Some(update) = update.filter(|update| *update != reading.told) {
                reading.told = update.clone();
                reading.told_at = Instant::now();
                return Ok(Some((update, reading)));
            }
            if reading.stands_still() {
                return Err(stalled(reading.limits.still));
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
    /// A load is not asked: what it waits for are our own bytes.
    fn stands_still(&self) -> bool {
        self.topic == Topic::Registry
            && self.failure.is_none()
            && !self.state.silent_phase()
            && self.told_at.elapsed() >= self.limits.still
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    /// An engine that says a line every ten seconds, for an hour at the most.
    struct Talking {
        line: fn(u64) -> String,
        said: u64,
    }

    impl Source for Talking {
        async fn next(&mut self, _: Duration) -> Result<Option<Bytes>> {
            if self.said == 360 {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.said += 1;
            Ok(Some((self.line)(self.said).into()))
        }
    }

    async fn outcome(line: fn(u64) -> String) -> (usize, Result<()>) {
        let body = Talking { line, said: 0 };
        let mut pictures = updates(body, Topic::Registry, Limits::default(), false);
        let mut told = 0;
        while let Some(picture) = pictures.next().await {
            match picture {
                Ok(_) => told += 1,
                Err(failure) => return (told, Err(failure)),
            }
        }
        (told, Ok(()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_download_that_stands_still_is_given_up() {
        let begun = Instant::now();
        let (told, outcome) = outcome(|_| {
            r#"{"status":"Downloading","progressDetail":{"current":400,"total":1000},"id":"bbb"}"#.to_owned()
        })
        .await;
        let failure = outcome.expect_err("it stands still");
        assert_eq!(failure.code, ErrorCode::TransferStalled);
        assert_eq!((told, begun.elapsed()), (1, Duration::from_secs(310)));
    }

    #[tokio::test(start_paused = true)]
    async fn slow_bytes_and_silent_work_are_waited_for() {
        let (told, slow) = outcome(|said| {
            // A byte in four minutes.
            let current = said / 24;
            format!(
                r#"{{"status":"Downloading","progressDetail":{{"current":{current},"total":1000}},"id":"b"}}"#
            )
        })
        .await;
        assert_eq!((told, slow), (16, Ok(())));
        let (told, working) = outcome(|said| {
            format!(r#"{{"status":"Extracting","progressDetail":{{"current":{said},"units":"s"}},"id":"b"}}"#)
        })
        .await;
        assert_eq!((told, working), (1, Ok(())));
    }
}
