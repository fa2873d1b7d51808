use std::sync::Arc;

use imagefleet_engine::Engine;
use imagefleet_model::{Failure, ServerId};
use imagefleet_store::{ClaimedStep, Store};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::announcer::Announcer;
use crate::archives::ArchiveStore;
use crate::kinds::copy::Gatherings;
use crate::reporter::Reporter;
use crate::{Change, EngineSource};

/// What every operation works with.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The database.
    pub store: Store,
    /// The engines.
    pub engines: Arc<dyn EngineSource>,
    /// Where exports and uploads lie.
    pub archives: ArchiveStore,
    /// Copies whose targets find each other.
    pub copies: Gatherings,
    /// Held from numbering events to sending them, so that they leave in the order of their numbers; a shared store sees to that
    /// itself.
    pub order: Arc<tokio::sync::Mutex<()>>,
    /// Where events go.
    pub announcer: Announcer,
}

impl Deps {
    /// Announces that something is not as before.
    pub fn changed(&self, change: Change) {
        self.announcer.changed(change);
    }
}

/// What one run of a step works with.
#[derive(Debug)]
pub struct StepContext {
    /// Shared by all.
    pub deps: Deps,
    /// The step.
    pub step: ClaimedStep,
    /// Tells how far it is.
    pub progress: Reporter,
    /// Set when the run has to end: a run is dropped then, this is for what it has handed to other threads.
    pub cancel: CancellationToken,
}

impl StepContext {
    /// The engine of the step's server.
    pub async fn engine(&self) -> Result<Arc<dyn Engine>, Failure> {
        self.deps.engines.engine(self.step.server_id).await
    }

    /// The step's server.
    #[must_use]
    pub fn server(&self) -> ServerId {
        self.step.server_id
    }

    /// What the kind wrote into the step when it was planned.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_value(self.step.payload.clone()).map_err(|error| {
            Failure::new(
                imagefleet_model::ErrorCode::Internal,
                format!("The step cannot be read: {error}"),
            )
        })
    }
}
