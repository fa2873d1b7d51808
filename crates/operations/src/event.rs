use std::sync::Arc;

use crate::containers::ContainerStatus;
use imagefleet_model::{Operation, OperationId, OperationKind, ServerId, Step, Timestamp};

/// What the program announces after it can be read in the database. The live events are made from it.
#[derive(Debug, Clone)]
pub enum Event {
    /// Steps are further than before, and were stored at one moment. At most four a second for one step; the last state is always
    /// among them.
    Progress(Arc<[StepProgress]>),
    /// An operation has ended. Exactly one for every run of an operation.
    Ended(Arc<OperationEnd>),
    /// The inventory of a server has changed.
    ImagesChanged(ServerId),
    /// The state of a server (online, offline, its figures) has changed.
    ServerChanged(ServerId),
    /// The containers of a server have changed.
    ContainersChanged(ServerId),
    /// A container is new, gone or in another state.
    ContainerStatus(Arc<ContainerStatus>),
}

/// A step as it stands, with what its event has to tell.
#[derive(Debug, Clone)]
pub struct StepProgress {
    /// The operation it belongs to.
    pub operation_id: OperationId,
    /// That operation's kind.
    pub kind: OperationKind,
    /// That operation's title.
    pub title: String,
    /// What its words name beside what the step is about.
    pub also: Vec<(ServerId, String)>,
    /// The step.
    pub step: Step,
    /// Grows with every event of the operation.
    pub seq: u64,
    /// When it was stored.
    pub at: Timestamp,
}

/// An operation that has ended, with what is needed to decide who may hear of it.
#[derive(Debug, Clone)]
pub struct OperationEnd {
    /// The operation in full.
    pub operation: Operation,
    /// Servers and familiar repositories that it was about; a viewer of any of them may know.
    pub subjects: Vec<(ServerId, Option<String>)>,
    /// Grows with every event of the operation.
    pub seq: u64,
    /// When it was stored.
    pub at: Timestamp,
}
