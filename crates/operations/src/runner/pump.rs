use std::sync::Arc;
use std::time::Duration;

use super::{Shared, settle};

/// From one storing to the next, so that it is a little less than four times a second however long storing takes: four is the most that
/// a client may count in any second.
const PERIOD: Duration = Duration::from_millis(270);

/// Stores what has changed on the board and announces it, in that order: an event is never ahead of its state.
pub async fn pump(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.closed.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        let changed = shared.board.take_changed();
        if changed.is_empty() {
            continue;
        }
        let _order = shared.deps.order.lock().await;
        match shared.deps.store.save_progress(&changed).await {
            Ok(stored) => settle::announce_progress(&shared.deps, stored),
            // Only progress: the next tick brings the newer state.
            Err(error) => tracing::warn!(%error, "progress could not be stored"),
        }
    }
}

/// Stores what a step said last. It is announced with the step's end, which follows at once.
pub async fn keep_last(shared: &Shared, step: i64) {
    let Some(last) = shared.board.take_last(step) else {
        return;
    };
    if let Err(error) = shared.deps.store.keep_progress(&[last]).await {
        tracing::warn!(%error, "the last progress could not be stored");
    }
}
