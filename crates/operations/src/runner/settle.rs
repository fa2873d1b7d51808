use std::sync::Arc;
use std::time::Duration;

use imagefleet_store::{ClaimedStep, Finale, Settled, StepOutcome, StoredProgress};

use super::Shared;
use crate::context::Deps;
use crate::{Change, Event};

/// How often a database that is away or full is asked again to store how a step ended, over about five minutes, before
/// its lease tells the rest.
const TRIES: u32 = 60;
/// The longest wait between two of these.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Stores how a step ended and announces what follows from it.
pub async fn finish(shared: &Arc<Shared>, step: &ClaimedStep, outcome: &StepOutcome) {
    for attempt in 1..=TRIES {
        match shared
            .deps
            .store
            .finish_step(step.id, &shared.options.worker, outcome)
            .await
        {
            Ok(settled) => {
                put_right_after_followers(shared, step, &settled).await;
                return announce(&shared.deps, settled).await;
            }
            Err(error) => {
                tracing::error!(%error, attempt, "the end of the step could not be stored");
                let wait = Duration::from_millis(500)
                    .saturating_mul(attempt)
                    .min(LONGEST_WAIT);
                tokio::select! {
                    () = shared.closed.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
}

/// A step that began to follow in the last moment has marked the image anew, after this one had put it right.
async fn put_right_after_followers(shared: &Arc<Shared>, step: &ClaimedStep, settled: &Settled) {
    let Some(image) = step.image_id.filter(|_| settled.steps.len() > 1) else {
        return;
    };
    match shared.deps.store.put_right_stale_status(image).await {
        Ok(0) => {}
        Ok(_) => shared.deps.changed(Change::Images(step.server_id)),
        Err(error) => tracing::error!(%error, "the image could not be put right"),
    }
}

/// Sends the last state of every changed step, and after its steps the one final event of every ended operation.
pub async fn announce(deps: &Deps, settled: Settled) {
    let mut steps = settled.steps;
    for operation in &settled.ended {
        let told = announce_end(deps, operation).await;
        steps.retain(|step| !told.contains(step));
    }
    if steps.is_empty() {
        return;
    }
    let _order = deps.order.lock().await;
    match deps.store.number_steps(&steps).await {
        Ok(stored) => announce_progress(deps, stored),
        Err(error) => tracing::error!(%error, "the last states could not be announced"),
    }
}

/// Sends the final event of an operation, and before it the last state of its steps, unless somebody has. The steps that were sent.
pub async fn announce_end(deps: &Deps, operation: &str) -> Vec<i64> {
    let _order = deps.order.lock().await;
    match deps.store.take_announcement(operation).await {
        Ok(Some(Finale { last, end })) => {
            count(&end.operation);
            let told = last.iter().map(|stored| stored.step.id).collect();
            announce_progress(deps, last);
            deps.announcer.stored(Event::Ended(Arc::new(end)));
            return told;
        }
        Ok(None) => {}
        // The reconciler will find it.
        Err(error) => tracing::error!(%error, operation, "the end could not be announced"),
    }
    Vec::new()
}

fn count(operation: &imagefleet_model::Operation) {
    metrics::counter!(
        "imagefleet_operations_total", "kind" => operation.kind.as_str(), "status" => operation.status.as_str()
    )
    .increment(1);
}

/// Sends what was stored at one moment together: it costs each client one write then.
pub fn announce_progress(deps: &Deps, stored: Vec<StoredProgress>) {
    if stored.is_empty() {
        return;
    }
    deps.announcer.stored(Event::Progress(stored.into()));
}
