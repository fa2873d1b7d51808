use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::{Shared, settle};

/// How soon a listener learns what a step waits for.
const PERIOD: Duration = Duration::from_secs(1);

/// Announces what queued steps wait for whenever that becomes something else.
pub async fn announce(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.closing.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let _order = shared.deps.order.lock().await;
        match shared.deps.store.newly_waiting(&shared.options.worker).await {
            Ok(waiting) => settle::announce_progress(&shared.deps, waiting),
            // It can be read all the same; the next round tells it.
            Err(error) => tracing::warn!(%error, "what steps wait for could not be announced"),
        }
    }
}
