use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use imagefleet_model::Failure;
use imagefleet_store::StoredExport;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::context::Deps;

/// A file of another program to which nothing was written for so long is nobody's any more.
const ABANDONED: Duration = Duration::from_hours(1);
/// How soon files are looked at again that may be another program's: that one may be dead, and not be known to be for the length of
/// its lease.
const SOON: Duration = Duration::from_secs(15);

/// Removes archives whose time is over, what a crash left behind, and the oldest exports when the budget is exceeded:
/// at once, whenever it is rung for, and `every` so often.
pub async fn sweep_archives(
    deps: Deps,
    worker: String,
    every: Duration,
    ring: Arc<Notify>,
    stop: CancellationToken,
) {
    loop {
        let next = match sweep(&deps, &worker).await {
            Ok(Swept::All) => every,
            Ok(Swept::AllButOthers) => SOON.min(every),
            Err(failure) => {
                tracing::error!(%failure, "archives could not be swept");
                every
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = ring.notified() => {}
            () = tokio::time::sleep(next) => {}
        }
    }
}

/// What a sweep has left.
#[derive(Debug, PartialEq, Eq)]
pub enum Swept {
    /// Nothing that it should have removed.
    All,
    /// Files that another program may be writing.
    AllButOthers,
}

/// One sweep of the program `worker`.
pub async fn sweep(deps: &Deps, worker: &str) -> Result<Swept, Failure> {
    let (store, archives) = (&deps.store, &deps.archives);
    for export in store.abandoned_exports().await? {
        remove(deps, &export).await?;
    }
    for export in store.expired_exports().await? {
        remove(deps, &export).await?;
    }
    keep_to_budget(deps).await?;
    for upload in store.expired_uploads().await? {
        store.delete_upload(&upload.id).await?;
        archives.delete_upload(&upload.location).await?;
    }
    sweep_nameless(deps).await?;
    sweep_staged(deps, worker).await
}

/// Removes the oldest exports until the rest fits. The newest one stays: it was made knowing the budget.
pub async fn keep_to_budget(deps: &Deps) -> Result<(), Failure> {
    let Some(budget) = deps.archives.policy.budget else {
        return Ok(());
    };
    let mut taken = deps.store.export_bytes().await?;
    let mut oldest = deps.store.oldest_exports().await?;
    oldest.pop();
    for export in oldest {
        if taken <= budget {
            break;
        }
        remove(deps, &export).await?;
        taken = taken.saturating_sub(export.export.size);
    }
    Ok(())
}

/// Bytes that no row speaks of: rows are written before the first byte, so nobody will ever ask for these.
async fn sweep_nameless(deps: &Deps) -> Result<(), Failure> {
    let (store, archives) = (&deps.store, &deps.archives);
    for id in archives.ids("exports").await? {
        if store
            .any_export(&id)
            .await
            .is_err_and(|error| error.is_not_found())
        {
            archives.delete(&format!("exports/{id}")).await?;
        }
    }
    for id in archives.ids("uploads").await? {
        if store
            .any_upload(&id)
            .await
            .is_err_and(|error| error.is_not_found())
        {
            archives.delete_upload(&format!("uploads/{id}")).await?;
        }
    }
    Ok(())
}

/// Files that a crash left half written. Of an export that is being made the one who makes it takes care; an upload
/// may be written by this program, or by another one on the same database while that lives.
async fn sweep_staged(deps: &Deps, worker: &str) -> Result<Swept, Failure> {
    let (store, archives) = (&deps.store, &deps.archives);
    let mut swept = Swept::All;
    let mut gone = HashSet::new();
    for staged in archives.staged().await? {
        let wanted = if staged.kind == "exports" {
            store.any_export(&staged.id).await.is_ok()
        } else if archives.in_hand.holds(&staged.id) {
            true
        } else if staged.idle < ABANDONED
            && store.any_upload(&staged.id).await.is_ok()
            && store.others_live(worker).await?
        {
            swept = Swept::AllButOthers;
            true
        } else {
            false
        };
        if !wanted {
            archives.remove_staged(&staged).await?;
            gone.insert(staged.id);
        }
    }
    if !gone.is_empty() {
        tracing::info!(
            archives = gone.len(),
            "what a crash left half written was removed"
        );
    }
    Ok(swept)
}

/// The file first: a row without a file would be offered.
async fn remove(deps: &Deps, export: &StoredExport) -> Result<(), Failure> {
    tracing::info!(export = %export.export.id, file = %export.export.file_name, "export removed");
    deps.archives.delete(&export.location).await?;
    deps.store.delete_export(&export.export.id).await?;
    Ok(())
}
