use std::sync::Arc;

use tokio::time::Instant;

use super::{Shared, dispatch, settle};

/// Renews our leases, stops what somebody cancelled through another program or took from us, ends what lost its worker,
/// and announces what ended unannounced.
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
    }
}

/// Renews, and stops what is no longer to run here.
async fn keep_ours(shared: &Shared) -> imagefleet_store::Result<()> {
    let store = &shared.deps.store;
    let running = shared.running();
    let cancelled = store
        .renew_leases(&shared.options.worker, dispatch::lease_ms(shared))
        .await?;
    for step in cancelled {
        shared.cancel(step);
    }
    let held = store.steps_of_worker(&shared.options.worker).await?;
    for step in running.into_iter().filter(|step| !held.contains(step)) {
        if shared.lose(step) {
            tracing::warn!(step, "the lease of a step was lost; it is stopped here");
        }
    }
    Ok(())
}

async fn give_up_lost(shared: &Shared) {
    let store = &shared.deps.store;
    match store.interrupt_expired().await {
        Ok(settled) => {
            let any = !settled.steps.is_empty();
            settle::announce(&shared.deps, settled).await;
            if any && let Err(error) = store.put_right_stale_statuses().await {
                tracing::error!(%error, "image rows could not be put right");
            }
        }
        Err(error) => tracing::error!(%error, "expired leases could not be ended"),
    }
    match store.unannounced_operations().await {
        Ok(ended) => {
            for operation in ended {
                settle::announce_end(&shared.deps, &operation).await;
            }
        }
        Err(error) => tracing::error!(%error, "unannounced ends could not be read"),
    }
}
