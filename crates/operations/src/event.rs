use std::sync::Arc;

use imagefleet_model::ServerId;
use imagefleet_store::{Announcement, News, StoredProgress};
use serde::{Deserialize, Serialize};

use crate::containers::ContainerStatus;

/// What the program announces after it can be read in the database. The live events are made from it.
#[derive(Debug, Clone)]
pub enum Event {
    /// Steps are further than before, and were stored at one moment. At most four a second for one step; the last state is always
    /// among them.
    Progress(Arc<[StoredProgress]>),
    /// An operation has ended. Exactly one for every run of an operation.
    Ended(Arc<Announcement>),
    /// Something else is not as before.
    Changed(Change),
}

/// What is not as before, for who reads it anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// The inventory of a server.
    Images(ServerId),
    /// The state of a server (online, offline, its figures).
    Server(ServerId),
    /// The containers of a server.
    Containers(ServerId),
    /// A container is new, gone or in another state.
    ContainerStatus(Arc<ContainerStatus>),
    /// What somebody may do, or who is logged in.
    Rights,
}

impl Event {
    /// What a program that shares the store has told. `None` of what another version of the program tells.
    pub(crate) fn heard(news: News) -> Option<Self> {
        match news {
            News::Progress(stored) => Some(Self::Progress(stored.into())),
            News::Ended(end) => Some(Self::Ended(Arc::new(*end))),
            News::Other(change) => match serde_json::from_value(change) {
                Ok(change) => Some(Self::Changed(change)),
                Err(error) => {
                    tracing::error!(%error, "what another program tells cannot be understood");
                    None
                }
            },
        }
    }
}
