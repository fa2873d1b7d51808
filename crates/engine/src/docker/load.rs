use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::Instant;

use super::call::Call;
use super::client::Client;
use super::errors::Topic;
use super::transfers::updates;
use super::transport_failure::timed_out;
use crate::{Body, Result, Stream, TransferUpdate};

/// How often the movement of an upload is looked at.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn load(client: &Client, archive: Body) -> Result<Stream<TransferUpdate>> {
    let call = Call::post("/images/load", Topic::Load)
        .query("quiet", "0")
        .header(hyper::header::CONTENT_TYPE, "application/x-tar".to_owned());
    let watch = Watch::default();
    let watched: Body = Watched {
        archive,
        watch: watch.clone(),
    }
    .boxed();
    // The source may take its time; the engine may not, but after the last byte it works in silence.
    let stalled = async {
        loop {
            tokio::time::sleep(LOOK).await;
            let limit = match watch.phase() {
                Phase::Source => continue,
                Phase::Engine => client.limits.idle * 2,
                Phase::Done => client.limits.preparing,
            };
            if watch.since().elapsed() > limit {
                return limit;
            }
        }
    };
    let body = tokio::select! {
        answer = client.upload(&call, watched) => answer?,
        limit = stalled => return Err(timed_out(limit)),
    };
    let mut limits = client.limits;
    // The answer may begin while the upload still runs, and says nothing until there is something to say.
    limits.first_message = limits.preparing;
    limits.idle = limits.preparing;
    Ok(updates(body, Topic::Load, limits, true))
}

/// Who has to move next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The archive's reader.
    Source,
    /// The engine has to take what was read.
    Engine,
    /// Everything was handed over.
    Done,
}

/// When an upload last moved, and whose turn it is.
#[derive(Debug, Clone)]
struct Watch(Arc<Mutex<(Phase, Instant)>>);

impl Default for Watch {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((Phase::Engine, Instant::now()))))
    }
}

impl Watch {
    fn set(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (phase, Instant::now());
    }

    fn phase(&self) -> Phase {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn since(&self) -> Instant {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

struct Watched {
    archive: Body,
    watch: Watch,
}

impl futures_util::Stream for Watched {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.archive.poll_next_unpin(cx);
        self.watch.set(match &polled {
            Poll::Pending => Phase::Source,
            Poll::Ready(Some(_)) => Phase::Engine,
            Poll::Ready(None) => Phase::Done,
        });
        polled
    }
}
