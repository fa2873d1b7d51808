use std::sync::Arc;

use tokio::time::Instant;

use super::{Shared, dispatch, settle};
use crate::context::Deps;

/// Milliseconds from marking an image to storing the step that works on it, at most.
const PLANNING: i64 = 10_000;

/// Renews our leases, stops what somebody cancelled through another program or took from us, ends what lost its worker,
/// puts right the images that it worked on, and announces what ended unannounced.
pub async fn renew(shared: Arc<Shared>) {
    let period = shared.options.lease / 8;
    // After the database was away everybody is given the time to renew before anybody is given up.
    let mut patient_until: Option<Instant> = None;
    loop {
        tokio::select! {
            () = shared.closed.cancelled() => return,
            () = tokio::time::sleep(period) => {}
        }
        if let Err(error) = keep_ours(&shared).await {
            tracing::error!(%error, "leases could not be renewed");
            patient_until = Some(Instant::now() + shared.options.lease);
            continue;
        }
        if patient_until.is_none_or(|until| Instant::now() >= until) {
            patient_until = None;
            give_up_lost(&shared).await;
        }
        tell_untold(&shared.deps).await;
    }
}

/// Renews, and stops what is no longer to run here.
async fn keep_ours(shared: &Shared) -> imagefleet_store::Result<()> {
    let store = &shared.deps.store;
    let running = shared.running();
    let cancelled = store
        .renew_leases(&shared.options.worker, &running, dispatch::lease_ms(shared))
        .await?;
    for step in cancelled {
        shared.cancel(step);
    }
    let held = store.steps_of_worker(&shared.options.worker).await?;
    for step in running.into_iter().filter(|step| !held.contains(step)) {
        if shared.lose(step) {
            tracing::info!(
                step,
                "a step is no longer ours; what still runs of it here is stopped"
            );
        }
    }
    Ok(())
}

async fn give_up_lost(shared: &Shared) {
    let store = &shared.deps.store;
    let lost = store.interrupt_expired(&shared.running()).await;
    // Before the end is told: who hears it sees its effect.
    match store.put_right_stale_statuses(PLANNING).await {
        Ok(0) => {}
        Ok(images) => tracing::info!(images, "images that nobody works on were put right"),
        Err(error) => tracing::error!(%error, "images could not be put right"),
    }
    match lost {
        Ok(settled) => {
            // Whoever lost these cannot clear away what it was writing.
            if !settled.ended.is_empty() {
                shared.sweep.notify_one();
            }
            settle::announce(&shared.deps, settled).await;
        }
        Err(error) => tracing::error!(%error, "expired leases could not be ended"),
    }
}

/// Tells the ends that were stored and not told: the database went away in between, or their program did.
async fn tell_untold(deps: &Deps) {
    match deps.store.unannounced_operations().await {
        Ok(ended) => {
            for operation in ended {
                settle::announce_end(deps, &operation).await;
            }
        }
        Err(error) => tracing::error!(%error, "unannounced ends could not be read"),
    }
}
