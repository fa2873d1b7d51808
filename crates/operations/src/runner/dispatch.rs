use std::sync::Arc;
use std::time::Duration;

use super::{Shared, run};

/// How long to wait when nothing is to be done: for steps whose time comes, and for work of other programs.
const IDLE: Duration = Duration::from_secs(1);
/// How long to wait when the database fails.
const TROUBLE: Duration = Duration::from_secs(2);

/// Claims steps as long as there are places, and starts each.
pub async fn dispatch(shared: Arc<Shared>) {
    loop {
        let place = tokio::select! {
            () = shared.closing.cancelled() => return,
            place = Arc::clone(&shared.places).acquire_owned() => place,
        };
        let Ok(place) = place else { return };
        let claimed = shared
            .deps
            .store
            .claim_step(&shared.options.worker, lease_ms(&shared))
            .await;
        let wait = match claimed {
            Ok(Some(step)) => {
                let shared = Arc::clone(&shared);
                shared.tracker.clone().spawn(async move {
                    run::run(&shared, step).await;
                    drop(place);
                    shared.work.notify_one();
                });
                continue;
            }
            Ok(None) => IDLE,
            Err(error) => {
                tracing::error!(%error, "no step could be claimed");
                TROUBLE
            }
        };
        drop(place);
        tokio::select! {
            () = shared.closing.cancelled() => return,
            () = shared.work.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// The lease in the store's unit.
pub fn lease_ms(shared: &Shared) -> i64 {
    imagefleet_model::millis(shared.options.lease)
}
