use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use imagefleet_model::{ErrorCode, Failure};
use tokio::sync::mpsc::{self, error::TrySendError};

use super::TargetStream;
use crate::Result;

/// Pieces in a pipe and bytes in a piece: 4 MiB wait for a slow target at most.
const PIECES: usize = 64;
const PIECE: usize = 64 << 10;

/// What went to a target so far; what `result` of the step shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CopyFigures {
    /// Distinct layers in the source: by the plan while it runs, by the archive at its end.
    pub layers_total: u64,
    /// Layers sent to this target.
    pub layers_sent: u64,
    /// Bytes of the source's archive so far.
    pub bytes_total: u64,
    /// Bytes sent to this target.
    pub bytes_sent: u64,
}

/// Live [`CopyFigures`].
#[derive(Debug, Default)]
pub struct CopyCounters {
    pub(super) layers_total: AtomicU64,
    pub(super) layers_sent: AtomicU64,
    pub(super) bytes_total: AtomicU64,
    bytes_sent: AtomicU64,
}

impl CopyCounters {
    /// The figures now.
    #[must_use]
    pub fn figures(&self) -> CopyFigures {
        CopyFigures {
            layers_total: self.layers_total.load(Ordering::Relaxed),
            layers_sent: self.layers_sent.load(Ordering::Relaxed),
            bytes_total: self.bytes_total.load(Ordering::Relaxed),
            bytes_sent: self.bytes_sent.load(Ordering::Relaxed),
        }
    }
}

/// The sending end of a target's stream.
pub(super) struct Pipe {
    /// None once the target is out.
    sender: Option<mpsc::Sender<Bytes>>,
    end: Arc<OnceLock<Result<()>>>,
    stall: Duration,
    pub(super) counters: Arc<CopyCounters>,
}

pub(super) fn open(stall: Duration) -> (Pipe, TargetStream) {
    let (sender, receiver) = mpsc::channel(PIECES);
    let end: Arc<OnceLock<Result<()>>> = Arc::default();
    let counters: Arc<CopyCounters> = Arc::default();
    let pipe = Pipe {
        sender: Some(sender),
        end: end.clone(),
        stall,
        counters: counters.clone(),
    };
    let bytes = stream::unfold(Some((receiver, end)), |state| async move {
        let (mut receiver, end) = state?;
        if let Some(piece) = receiver.recv().await {
            return Some((Ok(piece), Some((receiver, end))));
        }
        match end.get() {
            Some(Ok(())) => None,
            Some(Err(failure)) => Some((Err(failure.clone()), None)),
            None => Some((
                Err(Failure::new(
                    ErrorCode::Cancelled,
                    "the copy was given up before its end",
                )),
                None,
            )),
        }
    });
    (
        pipe,
        TargetStream {
            bytes: bytes.boxed(),
            counters,
        },
    )
}

impl Pipe {
    /// Whether the target still takes bytes.
    pub(super) fn is_open(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| !sender.is_closed())
    }

    /// Sends, and waits for a slow target, but not for a dead one.
    pub(super) async fn send(&mut self, mut bytes: Bytes) {
        while !bytes.is_empty() {
            let Some(sender) = &self.sender else { return };
            let piece = bytes.split_to(bytes.len().min(PIECE));
            let length = piece.len() as u64;
            match sender.try_send(piece) {
                Ok(()) => {}
                Err(TrySendError::Closed(_)) => self.sender = None,
                Err(TrySendError::Full(piece)) => {
                    match tokio::time::timeout(self.stall, sender.send(piece)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => self.sender = None,
                        Err(_) => {
                            let message = format!(
                                "the server took nothing of the archive for {} s",
                                self.stall.as_secs()
                            );
                            self.fail(Failure::new(ErrorCode::EngineTimeout, message));
                        }
                    }
                }
            }
            if self.sender.is_some() {
                self.counters.bytes_sent.fetch_add(length, Ordering::Relaxed);
            }
        }
    }

    /// Ends the target's stream well.
    pub(super) fn finish(&mut self) {
        if self.sender.is_some() {
            let _ = self.end.set(Ok(()));
            self.sender = None;
        }
    }

    /// Ends the target's stream with this failure, unless it has ended.
    pub(super) fn fail(&mut self, failure: Failure) {
        if self.sender.is_some() {
            let _ = self.end.set(Err(failure));
            self.sender = None;
        }
    }
}
