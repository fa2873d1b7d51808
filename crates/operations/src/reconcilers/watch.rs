use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use imagefleet_model::{ServerId, millis};
use imagefleet_store::Watch;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::watcher;
use crate::context::Deps;

/// How servers are watched.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// Names this program among those that share the database.
    pub worker: String,
    /// For how long a server is ours without a sign of life.
    pub lease: Duration,
    /// How often an engine that sends no events is asked whether it lives.
    pub ask: Duration,
    /// How long an engine may take to answer that.
    pub patience: Duration,
    /// An engine that says nothing for so long in the middle of a look lets the next one begin with its own.
    pub silence: Duration,
    /// The net under the events: how often everything is looked at anyway.
    pub look: Duration,
    /// How long it has to be quiet after an event before it is looked at: a burst costs one look.
    pub gather: Duration,
    /// A burst is not waited for longer than this.
    pub longest_gather: Duration,
    /// First wait before an offline server is asked again; doubled each time.
    pub backoff: Duration,
    /// Longest such wait.
    pub longest_backoff: Duration,
    /// How many servers are looked at at once.
    pub parallel: usize,
}

impl WatchOptions {
    /// The usual figures.
    #[must_use]
    pub fn new(worker: String) -> Self {
        Self {
            worker,
            lease: Duration::from_secs(20),
            ask: Duration::from_secs(15),
            patience: Duration::from_secs(10),
            silence: Duration::from_secs(2),
            look: Duration::from_mins(10),
            gather: Duration::from_millis(300),
            longest_gather: Duration::from_millis(1_200),
            backoff: Duration::from_secs(2),
            longest_backoff: Duration::from_mins(1),
            parallel: 8,
        }
    }
}

/// Watches every server that is ours: whether it answers, and whatever happens to its images and containers. One
/// routine a server, so that one that hangs delays no other.
#[derive(Debug, Clone)]
pub struct Watches(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    deps: Deps,
    options: WatchOptions,
    ring: Notify,
    stop: CancellationToken,
    tracker: TaskTracker,
}

/// What the watchers share.
#[derive(Debug, Clone)]
pub struct WatcherDeps {
    pub deps: Deps,
    pub options: WatchOptions,
    pub looks: Arc<Semaphore>,
}

struct Running {
    generation: i64,
    stop: CancellationToken,
}

impl Watches {
    /// Begins to watch.
    #[must_use]
    pub fn start(deps: Deps, options: WatchOptions) -> Self {
        let inner = Arc::new(Inner {
            deps,
            options,
            ring: Notify::new(),
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
        });
        inner.tracker.spawn(supervise(Arc::clone(&inner)));
        Self(inner)
    }

    /// A server was added, changed or removed: looks now instead of at the next round.
    pub fn ring(&self) {
        self.0.ring.notify_one();
    }

    /// Ends, and gives the servers back for another program to watch.
    pub async fn shutdown(&self) {
        self.0.stop.cancel();
        self.0.tracker.close();
        tokio::time::timeout(Duration::from_secs(3), self.0.tracker.wait())
            .await
            .ok();
        if let Err(error) = self.0.deps.store.release_watches(&self.0.options.worker).await {
            tracing::warn!(%error, "watched servers could not be given back; their leases end by themselves");
        }
    }
}

async fn supervise(inner: Arc<Inner>) {
    let shared = WatcherDeps {
        deps: inner.deps.clone(),
        looks: Arc::new(Semaphore::new(inner.options.parallel)),
        options: inner.options.clone(),
    };
    let mut running: HashMap<ServerId, Running> = HashMap::new();
    let lease_ms = millis(inner.options.lease);
    loop {
        match inner
            .deps
            .store
            .claim_watches(&inner.options.worker, lease_ms)
            .await
        {
            Ok(watches) => {
                metrics::gauge!("imagefleet_watched_servers")
                    .set(f64::from(u32::try_from(watches.len()).unwrap_or(u32::MAX)));
                adjust(&inner, &shared, &mut running, watches);
            }
            Err(error) => tracing::error!(%error, "watched servers could not be claimed"),
        }
        tokio::select! {
            () = inner.stop.cancelled() => break,
            () = inner.ring.notified() => {}
            () = tokio::time::sleep(inner.options.lease / 4) => {}
        }
    }
    for watcher in running.values() {
        watcher.stop.cancel();
    }
}

/// Starts what is new, stops what is gone, and begins anew where the way has changed.
fn adjust(
    inner: &Arc<Inner>,
    shared: &WatcherDeps,
    running: &mut HashMap<ServerId, Running>,
    watches: Vec<Watch>,
) {
    let ours: HashMap<ServerId, i64> = watches
        .into_iter()
        .map(|watch| (watch.server_id, watch.generation))
        .collect();
    running.retain(|server, watcher| {
        let same = ours.get(server) == Some(&watcher.generation);
        if !same {
            watcher.stop.cancel();
        }
        same
    });
    for (server, generation) in ours {
        running.entry(server).or_insert_with(|| {
            let stop = inner.stop.child_token();
            let (shared, token) = (shared.clone(), stop.clone());
            inner.tracker.spawn(async move {
                token.run_until_cancelled(watcher::watch(shared, server)).await;
            });
            Running { generation, stop }
        });
    }
}
