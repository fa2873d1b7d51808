use std::sync::Arc;
use std::time::Duration;

use imagefleet_model::{Failure, Operation};
use imagefleet_store::NewOperation;
use tokio::sync::broadcast;

use crate::announcer::Announcer;
use crate::archives::ArchiveStore;
use crate::context::Deps;
use crate::kinds::copy::Gatherings;
use crate::reconcilers::sweep_archives;
use crate::runner::{RunnerOptions, Shared, announce};
use crate::{EngineSource, Event};

/// How often archives are looked at whose time may be over.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// Who starts an operation.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The user; `None` for the program itself.
    pub user_id: Option<i64>,
    /// That user's name, or `system`.
    pub username: String,
}

impl Actor {
    /// The program itself: schedules and reconcilers.
    #[must_use]
    pub fn system() -> Self {
        Self {
            user_id: None,
            username: "system".to_owned(),
        }
    }
}

/// The way to operations: submit, cancel, retry, listen. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Operations(Arc<Shared>);

impl Operations {
    /// Prepares the runner; nothing runs before [`Operations::start`].
    #[must_use]
    pub fn new(
        store: imagefleet_store::Store,
        engines: Arc<dyn EngineSource>,
        archives: ArchiveStore,
        options: RunnerOptions,
    ) -> Self {
        let announcer = Announcer::new(&store);
        Self(Shared::new(
            Deps {
                store,
                engines,
                archives,
                copies: Gatherings::default(),
                order: Arc::default(),
                announcer,
            },
            options,
        ))
    }

    /// Puts right what a crash left behind, then starts to run steps.
    pub async fn start(&self) -> Result<(), Failure> {
        let settled = self.deps().store.interrupt_orphans().await?;
        announce(self.deps(), settled).await;
        self.deps().store.put_right_stale_statuses(0).await?;
        self.0.start();
        let sweeping = sweep_archives(
            self.deps().clone(),
            SWEEP_EVERY,
            Arc::clone(&self.0.sweep),
            self.0.closing.clone(),
        );
        self.0.tracker.spawn(sweeping);
        Ok(())
    }

    /// What operations work with; for the kinds' planners and the reconcilers.
    #[must_use]
    pub fn deps(&self) -> &Deps {
        &self.0.deps
    }

    /// Listens to everything that happens from now on, in whichever of the programs that share the store.
    pub async fn listen(&self) -> Result<broadcast::Receiver<Event>, Failure> {
        let Shared {
            deps,
            closed,
            tracker,
            ..
        } = &*self.0;
        deps.announcer.listen(&deps.store, closed, tracker).await
    }

    /// Stores a planned operation; its steps run as soon as it is their turn.
    pub async fn submit(&self, new: NewOperation) -> Result<Operation, Failure> {
        self.submit_at(new, None).await
    }

    /// The same; `off_peak` says whether its steps wait for the off-peak window, `None` leaves that to the servers.
    pub async fn submit_at(&self, new: NewOperation, off_peak: Option<bool>) -> Result<Operation, Failure> {
        let operation = self.deps().store.create_operation_at(new, off_peak).await?;
        self.0.work.notify_one();
        Ok(operation)
    }

    /// Cancels an operation. What runs ends as soon as its engine's request is dropped.
    pub async fn cancel(&self, id: &str) -> Result<Operation, Failure> {
        let cancelled = self.deps().store.cancel_operation(id).await?;
        cancelled.running.iter().for_each(|step| self.0.cancel(*step));
        announce(self.deps(), cancelled.settled).await;
        self.deps().store.put_right_stale_statuses(0).await?;
        self.0.work.notify_one();
        Ok(cancelled.operation)
    }

    /// Runs the steps again that did not succeed.
    pub async fn retry(&self, id: &str) -> Result<Operation, Failure> {
        let operation = self.deps().store.retry_operation(id).await?;
        self.0.work.notify_one();
        Ok(operation)
    }

    /// Looks for steps to run at once: a server was resumed, or a time was changed.
    pub fn wake(&self) {
        self.0.work.notify_one();
    }

    /// Ends in two stages within `grace` and a few seconds.
    pub async fn shutdown(&self, grace: Duration) {
        self.0.shutdown(grace).await;
    }
}
