//! Runs steps: one dispatcher claims them, one pump stores and announces their progress, and leases tell others that
//! this program lives.

mod dispatch;
mod leases;
mod pump;
mod run;
mod settle;
mod waiting;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use settle::announce;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::context::Deps;
use crate::reporter::Board;

/// How the runner behaves.
#[derive(Debug, Clone)]
pub struct RunnerOptions {
    /// Names this program among those that share the database.
    pub worker: String,
    /// How many steps run here at once, over all servers.
    pub parallel: usize,
    /// How long a step is ours without a sign of life.
    pub lease: Duration,
    /// How often a passing failure is tried again before it counts.
    pub attempts: u32,
    /// Wait before the first new attempt; doubled each time.
    pub backoff: Duration,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            worker: uuid_like(),
            parallel: 64,
            lease: Duration::from_secs(20),
            attempts: 3,
            backoff: Duration::from_secs(1),
        }
    }
}

/// A name that no other program has.
fn uuid_like() -> String {
    format!("{}-{:016x}", std::process::id(), rand::random::<u64>())
}

/// What the runner's parts share.
#[derive(Debug)]
pub struct Shared {
    pub deps: Deps,
    pub options: RunnerOptions,
    pub board: Board,
    /// Rung when something may have become claimable.
    pub work: Notify,
    pub places: Arc<Semaphore>,
    /// Rung when somebody else's exports may lie about half made.
    pub sweep: Arc<Notify>,
    /// Steps that run here, and how to stop each.
    stops: Mutex<HashMap<i64, Arc<Stop>>>,
    /// No new steps are taken.
    pub closing: CancellationToken,
    /// Everything ends.
    pub closed: CancellationToken,
    pub tracker: TaskTracker,
}

#[derive(Debug, Default)]
struct Stop {
    /// Somebody cancelled it.
    cancel: CancellationToken,
    /// The program ends.
    interrupt: CancellationToken,
    /// Its lease is over: it is another's now, and nothing of it may be touched here.
    lost: CancellationToken,
}

impl Shared {
    pub fn new(deps: Deps, options: RunnerOptions) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(options.parallel)),
            deps,
            options,
            board: Board::default(),
            work: Notify::new(),
            sweep: Arc::default(),
            stops: Mutex::default(),
            closing: CancellationToken::new(),
            closed: CancellationToken::new(),
            tracker: TaskTracker::new(),
        })
    }

    /// Starts the loops.
    pub fn start(self: &Arc<Self>) {
        self.tracker.spawn(dispatch::dispatch(Arc::clone(self)));
        self.tracker.spawn(leases::renew(Arc::clone(self)));
        self.tracker.spawn(pump::pump(Arc::clone(self)));
        self.tracker.spawn(waiting::announce(Arc::clone(self)));
    }

    /// Stops a step that runs here because somebody cancelled it.
    pub fn cancel(&self, step: i64) {
        if let Some(stop) = self.stops().get(&step) {
            stop.cancel.cancel();
        }
    }

    /// A run of a step is over. The step may run again already: that run stays.
    fn forget(&self, step: i64, run: &Arc<Stop>) {
        let mut stops = self.stops();
        if stops.get(&step).is_some_and(|known| Arc::ptr_eq(known, run)) {
            stops.remove(&step);
        }
    }

    /// Stops a step that runs here because it is no longer ours; whether it ran.
    fn lose(&self, step: i64) -> bool {
        let stops = self.stops();
        let stop = stops.get(&step);
        if let Some(stop) = stop {
            stop.lost.cancel();
        }
        stop.is_some()
    }

    /// The steps that run here.
    pub fn running(&self) -> Vec<i64> {
        self.stops().keys().copied().collect()
    }

    fn interrupt_all(&self) {
        for stop in self.stops().values() {
            stop.interrupt.cancel();
        }
    }

    fn stops(&self) -> MutexGuard<'_, HashMap<i64, Arc<Stop>>> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends in two stages: what runs may finish within `grace`, then it goes back into the queue for whoever comes next;
    /// what waits stays there.
    pub async fn shutdown(&self, grace: Duration) {
        self.closing.cancel();
        let idle = async {
            while self.places.available_permits() < self.options.parallel {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(grace, idle).await.is_err() {
            self.interrupt_all();
            tokio::time::timeout(Duration::from_secs(5), async {
                while self.places.available_permits() < self.options.parallel {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
            .await
            .ok();
        }
        self.closed.cancel();
        self.tracker.close();
        tokio::time::timeout(Duration::from_secs(5), self.tracker.wait())
            .await
            .ok();
    }
}
