use std::time::Duration;

use crate::AppState;

const EVERY: Duration = Duration::from_mins(10);

/// Removes ended sessions and old lines of the audit log from time to time, for ever.
pub async fn upkeep(state: AppState) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        if let Err(error) = sweep(&state).await {
            tracing::warn!(%error, "ended sessions could not be removed");
        }
    }
}

async fn sweep(state: &AppState) -> imagefleet_store::Result<()> {
    state.store.sweep_sessions(state.config.session_idle).await?;
    if let Some(kept) = state.config.audit_retention {
        state.store.sweep_audit(state.now() - kept).await?;
    }
    Ok(())
}
