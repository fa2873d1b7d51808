use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use imagefleet_archive::{CopyPlan, Limits, SourceImage, TargetPlan, TargetStream, copy};
use imagefleet_engine::Engine;
use imagefleet_model::{ErrorCode, Failure, OperationId};
use tokio::sync::oneshot;
use tracing::Instrument as _;

/// How long the first target waits for the others before the source is read: they come at once unless their servers
/// are busy, and then they get a reading of their own.
const GATHER: Duration = Duration::from_millis(1500);
/// A target that takes nothing for so long is given up.
const STALL: Duration = Duration::from_mins(10);

/// The targets of one operation find each other here, so that the source is read once for all of them.
#[derive(Clone, Default)]
pub struct Gatherings(Arc<Mutex<HashMap<OperationId, Gathering>>>);

impl std::fmt::Debug for Gatherings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gatherings")
            .field("open", &self.lock().len())
            .finish()
    }
}

struct Gathering {
    members: Vec<(TargetPlan, oneshot::Sender<TargetStream>)>,
    full: Option<oneshot::Sender<()>>,
}

/// What a target needs to know of the source.
#[derive(Debug)]
pub struct Request {
    /// Whose targets belong together.
    pub operation: OperationId,
    /// What to save.
    pub name: String,
    /// How many targets the operation has.
    pub expected: usize,
    /// Where it is saved.
    pub source: Arc<dyn Engine>,
    /// What the source will send.
    pub image: SourceImage,
}

impl Gatherings {
    /// Joins the reading of this operation's source; the first one starts it.
    pub async fn join(&self, request: Request, target: TargetPlan) -> Result<TargetStream, Failure> {
        let (sender, receiver) = oneshot::channel();
        let first = {
            let mut all = self.lock();
            let gathering = all.entry(request.operation.clone());
            let first = matches!(gathering, std::collections::hash_map::Entry::Vacant(_));
            let gathering = gathering.or_insert_with(|| Gathering {
                members: Vec::new(),
                full: None,
            });
            gathering.members.push((target, sender));
            if gathering.members.len() >= request.expected
                && let Some(full) = gathering.full.take()
            {
                // Its waiter may have gone on already.
                full.send(()).ok();
            }
            first
        };
        if first {
            // Not a part of this step: it goes on for the others when this one is cancelled.
            tokio::spawn(self.clone().read(request).in_current_span());
        }
        receiver.await.map_err(|_| {
            Failure::new(
                ErrorCode::EngineDisconnected,
                "The source could not be read; its server's state tells more.",
            )
        })
    }

    async fn read(self, request: Request) {
        let (full, is_full) = oneshot::channel();
        {
            let mut all = self.lock();
            if let Some(gathering) = all.get_mut(&request.operation)
                && gathering.members.len() < request.expected
            {
                gathering.full = Some(full);
            }
        }
        tokio::time::timeout(GATHER, is_full).await.ok();
        let members = self
            .lock()
            .remove(&request.operation)
            .map(|gathering| gathering.members)
            .unwrap_or_default();
        let (plans, senders): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        let save = async move { request.source.save(&[request.name]).await };
        let bytes = futures_util::stream::once(save).try_flatten();
        let plan = CopyPlan {
            images: vec![request.image],
            targets: plans,
            stall: STALL,
            limits: Limits::default(),
        };
        let copying = copy(Box::pin(bytes), plan);
        for (sender, stream) in senders.into_iter().zip(copying.targets) {
            // A target that was cancelled meanwhile drops its stream by that.
            sender.send(stream).ok();
        }
        if let Err(failure) = copying.run.await {
            tracing::warn!(%failure, "reading the source of a copy ended");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OperationId, Gathering>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
