use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::try_unfold;
use imagefleet_model::{ErrorCode, Failure};

use crate::{Result, Stream};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nobody listens.
    Offline,
    /// Never an answer; a stream goes silent after its first bytes.
    Hang,
    /// The connection ends after so many bytes of the answer (or of a load's archive).
    CutAfter(usize),
    /// An error answer.
    Status {
        /// HTTP status.
        status: u16,
        /// `Retry-After`.
        retry_after: Option<Duration>,
        /// The engine's words.
        message: String,
    },
    /// It speaks an API that is too old for us, whatever was agreed on before.
    OldVersion,
    /// Something that is no JSON.
    Garbage,
    /// The last message is cut in the middle, and the answer ends as if all were well.
    HalfLine,
    /// So many bytes at a time, with a pause after each.
    Drip {
        /// Bytes.
        bytes: usize,
        /// Pause.
        pause: Duration,
    },
}

/// Which of the engine's methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultyCall {
    /// All of them.
    Any,
    /// `info`, `ping`.
    Info,
    /// `images`, `image`, `history`.
    Images,
    /// `pull`.
    Pull,
    /// `push`.
    Push,
    /// `tag`.
    Tag,
    /// `remove_image`.
    RemoveImage,
    /// `save`.
    Save,
    /// `load`.
    Load,
    /// `containers`, `container`, `networks`.
    Containers,
    /// `start_container`.
    StartContainer,
    /// What creates, stops or removes a container.
    ChangeContainer,
    /// `logs`, `stats`.
    Watch,
    /// `events`.
    Events,
}

/// How long callers of a real engine wait for it.
const ANSWER: Duration = Duration::from_secs(30);
/// How long they wait in the middle of a stream.
const IDLE: Duration = Duration::from_mins(1);

/// Faults that are to happen, and how often.
#[derive(Debug, Default)]
pub(super) struct Faults {
    planned: Mutex<Vec<Planned>>,
    calls: Mutex<HashMap<FaultyCall, usize>>,
}

#[derive(Debug)]
struct Planned {
    call: FaultyCall,
    fault: Fault,
    left: Option<usize>,
}

impl Faults {
    pub fn plan(&self, call: FaultyCall, fault: Fault, times: Option<usize>) {
        self.lock().push(Planned {
            call,
            fault,
            left: times,
        });
    }

    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How often this was called.
    pub fn calls(&self, call: FaultyCall) -> usize {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.get(&call).copied().unwrap_or_default()
    }

    /// The fault that happens to this call, if one does.
    pub fn take(&self, call: FaultyCall) -> Option<Fault> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(call).or_default() += 1;
        drop(calls);
        let mut planned = self.lock();
        let at = planned
            .iter()
            .position(|plan| plan.call == call || plan.call == FaultyCall::Any)?;
        let fault = planned[at].fault.clone();
        if let Some(left) = planned[at].left.as_mut() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                planned.remove(at);
            }
        }
        Some(fault)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Planned>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a caller meets when the fault strikes before a stream begins, or instead of a whole answer.
pub(super) async fn strike_answer(fault: Option<&Fault>) -> Result<()> {
    match fault {
        None => Ok(()),
        Some(Fault::Drip { pause, .. }) => {
            tokio::time::sleep(*pause).await;
            Ok(())
        }
        Some(Fault::Hang) => {
            tokio::time::sleep(ANSWER).await;
            Err(silent(ANSWER))
        }
        Some(fault) => Err(fault.failure()),
    }
}

/// The same before a stream: those faults that strike in its middle are left for [`strike_stream`].
pub(super) async fn strike_head(fault: Option<&Fault>) -> Result<()> {
    match fault {
        Some(Fault::Offline | Fault::OldVersion | Fault::Status { .. }) => strike_answer(fault).await,
        _ => Ok(()),
    }
}

/// A stream of bytes with the fault in it.
pub(super) fn strike_stream(bytes: Stream<Bytes>, fault: Option<Fault>) -> Stream<Bytes> {
    let Some(fault) = fault else {
        return bytes;
    };
    let start = (bytes, fault, 0_usize, Bytes::new());
    try_unfold(start, |(mut bytes, fault, sent, mut rest)| async move {
        if rest.is_empty() {
            rest = match bytes.next().await {
                Some(chunk) => chunk?,
                None => return Ok(None),
            };
        }
        let piece = match &fault {
            Fault::Hang if sent > 0 => {
                tokio::time::sleep(IDLE).await;
                return Err(silent(IDLE));
            }
            Fault::CutAfter(limit) if sent >= *limit => return Err(fault.failure()),
            Fault::CutAfter(limit) => rest.split_to(rest.len().min(limit - sent)),
            Fault::HalfLine if sent > 0 => return Ok(None),
            Fault::HalfLine => rest.split_to((rest.len() / 2).max(1)),
            Fault::Garbage => {
                rest.clear();
                Bytes::from_static(b"<html>504 Gateway Time-out</html>")
            }
            Fault::Drip { bytes, pause } => {
                tokio::time::sleep(*pause).await;
                rest.split_to(rest.len().min((*bytes).max(1)))
            }
            _ => std::mem::take(&mut rest),
        };
        let sent = sent + piece.len();
        Ok(Some((piece, (bytes, fault, sent, rest))))
    })
    .boxed()
}

fn silent(limit: Duration) -> Failure {
    Failure::passing(
        ErrorCode::EngineTimeout,
        format!("no answer within {} s", limit.as_secs()),
        Duration::ZERO,
    )
}

impl Fault {
    fn failure(&self) -> Failure {
        match self {
            Self::Offline => Failure::passing(
                ErrorCode::EngineUnreachable,
                "the engine is not there: connection refused",
                Duration::ZERO,
            ),
            Self::Status {
                status,
                retry_after,
                message,
            } => {
                let passing = *status == 429 || *status >= 500;
                Failure {
                    code: if *status == 429 {
                        ErrorCode::RateLimited
                    } else {
                        ErrorCode::EngineError
                    },
                    message: message.clone(),
                    retry_after: retry_after.or(passing.then_some(Duration::ZERO)),
                }
            }
            Self::OldVersion => Failure::new(
                ErrorCode::ApiVersionUnsupported,
                "the engine speaks an API that is too old",
            ),
            Self::Garbage => Failure::new(
                ErrorCode::EngineError,
                "the engine sent something that is no JSON message",
            ),
            Self::Hang => silent(ANSWER),
            Self::CutAfter(_) | Self::HalfLine | Self::Drip { .. } => Failure::passing(
                ErrorCode::EngineDisconnected,
                "the engine closed the connection in the middle",
                Duration::ZERO,
            ),
        }
    }
}
