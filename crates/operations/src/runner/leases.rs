use std::sync::Arc;

use super::{Shared, dispatch, settle};

/// Milliseconds from marking an image to storing the step that works on it, at most.
const PLANNING: i64 = 10_000;

/// Renews our leases, stops what somebody cancelled through another program, ends what lost its worker, puts right
/// the images that it worked on, and announces what ended unannounced.
pub async fn renew(shared: Arc<Shared>) {
    let period = shared.options.lease / 8;
    loop {
        tokio::select! {
            () = shared.closed.cancelled() => return,
            () = tokio::time::sleep(period) => {}
        }
        let store = &shared.deps.store;
        match store
            .renew_leases(
                &shared.options.worker,
                &shared.running(),
                dispatch::lease_ms(&shared),
            )
            .await
        {
            Ok(cancelled) => cancelled.into_iter().for_each(|step| shared.cancel(step)),
            Err(error) => tracing::error!(%error, "leases could not be renewed"),
        }
        match store.interrupt_expired().await {
            Ok(settled) => {
                // Whoever lost these cannot clear away what it was writing.
                if !settled.ended.is_empty() {
                    shared.sweep.notify_one();
                }
                settle::announce(&shared.deps, settled).await;
            }
            Err(error) => tracing::error!(%error, "expired leases could not be ended"),
        }
        match store.put_right_stale_statuses(PLANNING).await {
            Ok(0) => {}
            Ok(images) => tracing::info!(images, "images that nobody works on were put right"),
            Err(error) => tracing::error!(%error, "images could not be put right"),
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
}
