//! Operations and their steps. Every change of status is made here, one verb a file.
//!
//! A step is `queued` until [`Store::claim_step`] gives it to a worker under a lease; the worker renews the lease and
//! ends it with [`Store::finish_step`]. A step equal to one that is queued or running on the same server is not run
//! twice: it *shares* that one (`shared_with`) and ends with it.

mod announce;
mod cancel;
mod claim;
mod create;
mod ended;
mod finish;
mod kept;
mod progress;
mod queue;
mod read;
mod recover;
mod retry;
mod rollup;
mod row;
mod sealed;
mod turn;
mod waiting;

use std::time::Duration;

use imagefleet_model::{ErrorInfo, Operation, OperationId, OperationKind, ServerId, Status, WaitingCode};
use serde_json::Value;

pub use announce::{Announcement, Finale};
pub use progress::{ProgressUpdate, StoredProgress};
pub use queue::QueueSettings;
pub use read::OperationFilter;
pub use sealed::SealedPayload;
pub(crate) use turn::take_turn;

/// What a new operation consists of.
#[derive(Debug, Clone)]
pub struct NewOperation {
    /// What it does.
    pub kind: OperationKind,
    /// A line for people.
    pub title: String,
    /// Who starts it; `None` for the program itself.
    pub user_id: Option<i64>,
    /// That user's name, or `system`.
    pub created_by: String,
    /// What was asked for, as the kind reads it again. Never a secret.
    pub request: Value,
    /// Its parts, at least one.
    pub steps: Vec<NewStep>,
}

/// One part of a new operation.
#[derive(Debug, Clone)]
pub struct NewStep {
    /// The server it works on.
    pub server_id: ServerId,
    /// That server's name, kept for the time after the server is gone.
    pub server_name: String,
    /// The image row it is about.
    pub image_id: Option<i64>,
    /// Familiar repository it is about: who may see it.
    pub repository: Option<String>,
    /// Its tag.
    pub tag: Option<String>,
    /// What the kind needs to run it. Never a secret.
    pub payload: Value,
    /// Whether it changes the engine: only one such step runs on a server at a time.
    pub exclusive: bool,
    /// Whether it moves archives: small steps go first.
    pub bulk: bool,
    /// Equal steps of one server have an equal key; `None` is shared with nothing.
    pub share_key: Option<String>,
}

/// A step that this worker has to run now.
#[derive(Debug, Clone)]
pub struct ClaimedStep {
    /// Row id.
    pub id: i64,
    /// Its operation.
    pub operation_id: OperationId,
    /// That operation's kind.
    pub kind: OperationKind,
    /// That operation's title.
    pub title: String,
    /// Who started it.
    pub created_by: String,
    /// That operation's request.
    pub request: Value,
    /// The server it works on.
    pub server_id: ServerId,
    /// That server's name.
    pub server_name: String,
    /// The image row it is about.
    pub image_id: Option<i64>,
    /// Familiar repository it is about.
    pub repository: Option<String>,
    /// Its tag.
    pub tag: Option<String>,
    /// What the kind needs.
    pub payload: Value,
    /// 1 at the first run.
    pub attempt: u32,
}

/// How a run of a step ended.
#[derive(Debug, Clone)]
pub enum StepOutcome {
    /// Well; with a message for people and the kind's result.
    Succeeded(String, Value),
    /// With an error.
    Failed(ErrorInfo),
    /// Somebody cancelled it.
    Cancelled,
    /// The program is ending and could not wait for it.
    Interrupted,
    /// Not at all: the program is ending, and whoever comes next goes on with it.
    HandedOver,
    /// Not at all yet: try again after so many milliseconds.
    Again(ErrorInfo, i64),
}

/// What a change meant for whole operations.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    /// Operations that are final now and wait to be announced.
    pub ended: Vec<OperationId>,
    /// Steps that changed: their last state is to be sent.
    pub steps: Vec<i64>,
}

/// The queue in figures.
#[derive(Debug, Clone, Default)]
pub struct QueueFigures {
    /// Steps that run, on any program.
    pub running: u64,
    /// What steps wait for, how many, and for how long the oldest of them.
    pub waiting: Vec<(WaitingCode, u64, Duration)>,
}

/// Whether somebody asked to cancel an operation, and what became of it.
#[derive(Debug, Clone)]
pub struct Cancelled {
    /// The operation now.
    pub operation: Operation,
    /// Steps that run and have to be stopped by their workers.
    pub running: Vec<i64>,
    /// What ended at once.
    pub settled: Settled,
}

fn final_word(outcome: &StepOutcome) -> Option<Status> {
    match outcome {
        StepOutcome::Succeeded(..) => Some(Status::Succeeded),
        StepOutcome::Failed(_) => Some(Status::Failed),
        StepOutcome::Cancelled => Some(Status::Cancelled),
        StepOutcome::Interrupted => Some(Status::Interrupted),
        StepOutcome::Again(..) | StepOutcome::HandedOver => None,
    }
}
