use std::time::Duration;

use imagefleet_model::Failure;
use imagefleet_store::StoredExport;
use tokio_util::sync::CancellationToken;

use crate::context::Deps;

/// Removes archives whose time is over, what a crash left behind, and the oldest exports when the budget is exceeded.
pub async fn sweep_archives(deps: Deps, every: Duration, stop: CancellationToken) {
    loop {
        if let Err(failure) = sweep(&deps).await {
            tracing::error!(%failure, "archives could not be swept");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// One sweep.
pub async fn sweep(deps: &Deps) -> Result<(), Failure> {
    let (store, archives) = (&deps.store, &deps.archives);
    for export in store.abandoned_exports().await? {
        remove(deps, &export).await?;
    }
    for export in store.expired_exports().await? {
        remove(deps, &export).await?;
    }
    if let Some(budget) = archives.policy.budget {
        let mut taken = store.export_bytes().await?;
        for export in store.oldest_exports().await? {
            if taken <= budget {
                break;
            }
            remove(deps, &export).await?;
            taken = taken.saturating_sub(export.export.size);
        }
    }
    for upload in store.expired_uploads().await? {
        archives.delete_upload(&upload.location).await?;
        store.delete_upload(&upload.id).await?;
    }
    Ok(())
}

/// The file first: a row without a file would be offered.
async fn remove(deps: &Deps, export: &StoredExport) -> Result<(), Failure> {
    tracing::info!(export = %export.export.id, file = %export.export.file_name, "export removed");
    deps.archives.delete(&export.location).await?;
    deps.store.delete_export(&export.export.id).await?;
    Ok(())
}
