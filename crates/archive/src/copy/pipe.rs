use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use imagefleet_model::{ErrorCode, Failure};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::Instant;

use super::TargetStream;
use crate::Result;

/// Pieces in a pipe and bytes in a piece: 4 MiB wait for a slow target at most.
const PIECES: usize = 64;
const PIECE: usize = 64 << 10;
/// How long one target may let the others starve at any rate; beyond that only [`SHARE`] of the time.
const PATIENCE: Duration = Duration::from_secs(15);
/// One part in so many.
const SHARE: u32 = 4;
/// How often a waiting sender looks at the others.
const LOOK: Duration = Duration::from_millis(500);

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
    sent_all: AtomicBool,
    left_behind: AtomicBool,
}

impl CopyCounters {
    /// Whether all that the target gets was handed over.
    #[must_use]
    pub fn sent_all(&self) -> bool {
        self.sent_all.load(Ordering::Relaxed)
    }

    /// Whether the target was too slow for the others: its stream ended with an error, and it needs a reading of the
    /// source of its own.
    #[must_use]
    pub fn left_behind(&self) -> bool {
        self.left_behind.load(Ordering::Relaxed)
    }

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
    /// The pipes of the other targets.
    others: Vec<mpsc::WeakSender<Bytes>>,
    opened: Instant,
    /// How long others starved because of this target.
    held_up: Duration,
    pub(super) counters: Arc<CopyCounters>,
}

/// A pipe for each of so many targets.
pub(super) fn open(targets: usize, stall: Duration) -> Vec<(Pipe, TargetStream)> {
    let mut pipes: Vec<_> = std::iter::repeat_with(|| open_one(stall)).take(targets).collect();
    let senders: Vec<_> = pipes.iter().map(|(pipe, _)| pipe.weak()).collect();
    for (at, (pipe, _)) in pipes.iter_mut().enumerate() {
        let others = senders.iter().enumerate().filter(|(other, _)| *other != at);
        pipe.others = others.filter_map(|(_, sender)| sender.clone()).collect();
    }
    pipes
}

fn open_one(stall: Duration) -> (Pipe, TargetStream) {
    let (sender, receiver) = mpsc::channel(PIECES);
    let end: Arc<OnceLock<Result<()>>> = Arc::default();
    let counters: Arc<CopyCounters> = Arc::default();
    let pipe = Pipe {
        sender: Some(sender),
        end: end.clone(),
        stall,
        others: Vec::new(),
        opened: Instant::now(),
        held_up: Duration::ZERO,
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

    /// Sends, and waits for a slow target, but neither for a dead one nor for one that lets the others starve.
    pub(super) async fn send(&mut self, mut bytes: Bytes) {
        while !bytes.is_empty() {
            let Some(sender) = &self.sender else { return };
            let piece = bytes.split_to(bytes.len().min(PIECE));
            let length = piece.len() as u64;
            match sender.try_send(piece) {
                Ok(()) => {}
                Err(TrySendError::Closed(_)) => self.sender = None,
                Err(TrySendError::Full(piece)) => self.wait_for_room(sender.clone(), piece).await,
            }
            if self.sender.is_some() {
                self.counters.bytes_sent.fetch_add(length, Ordering::Relaxed);
            }
        }
    }

    async fn wait_for_room(&mut self, sender: mpsc::Sender<Bytes>, piece: Bytes) {
        let began = Instant::now();
        let mut sending = std::pin::pin!(sender.send(piece));
        loop {
            let looked = Instant::now();
            let sent = tokio::time::timeout(LOOK.min(self.stall), &mut sending).await;
            if self.others_starve() {
                self.held_up += looked.elapsed();
            }
            match sent {
                Ok(Ok(())) => return,
                Ok(Err(_)) => return self.sender = None,
                Err(_) if began.elapsed() >= self.stall => {
                    let message = format!(
                        "the server took nothing of the archive for {} s",
                        self.stall.as_secs()
                    );
                    return self.fail(Failure::new(ErrorCode::EngineTimeout, message));
                }
                Err(_) if self.held_up > PATIENCE + self.opened.elapsed() / SHARE => {
                    self.counters.left_behind.store(true, Ordering::Relaxed);
                    let message = "the server is too slow for the others";
                    return self.fail(Failure::new(ErrorCode::EngineTimeout, message));
                }
                Err(_) => {}
            }
        }
    }

    /// Whether another target has nothing to take: it waits for the one that we wait for. One that has is as slow.
    fn others_starve(&self) -> bool {
        let mut open = self.others.iter().filter_map(mpsc::WeakSender::upgrade);
        open.any(|other| !other.is_closed() && other.capacity() == other.max_capacity())
    }

    fn weak(&self) -> Option<mpsc::WeakSender<Bytes>> {
        self.sender.as_ref().map(mpsc::Sender::downgrade)
    }

    /// Ends the target's stream well.
    pub(super) fn finish(&mut self) {
        if self.sender.is_some() {
            self.counters.sent_all.store(true, Ordering::Relaxed);
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
