use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use imagefleet_model::Failure;
use imagefleet_store::StoredExport;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::context::Deps;
use crate::uploads::HOLD;

/// How soon half written files are looked at again that another program may be writing: it may be dead, and its hold not be over.
const SOON: Duration = Duration::from_secs(15);

/// Removes archives whose time is over, what a crash left behind, and the oldest exports when the budget is exceeded:
/// at once, whenever it is rung for, and `every` so often.
pub async fn sweep_archives(deps: Deps, every: Duration, ring: Arc<Notify>, stop: CancellationToken) {
    let mut swept = sweep(&deps).await;
    let mut all = tokio::time::interval_at(Instant::now() + every, every);
    loop {
        if let Err(failure) = &swept {
            tracing::error!(%failure, "archives could not be swept");
        }
        let soon = !matches!(swept, Ok(Swept::All));
        tokio::select! {
            () = stop.cancelled() => return,
            () = ring.notified() => swept = sweep(&deps).await,
            _ = all.tick() => swept = sweep(&deps).await,
            () = tokio::time::sleep(SOON), if soon => swept = sweep_staged(&deps).await,
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

/// One sweep.
pub async fn sweep(deps: &Deps) -> Result<Swept, Failure> {
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
    sweep_staged(deps).await
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
        if !is_known(store.any_export(&id).await)? {
            archives.delete(&format!("exports/{id}")).await?;
        }
    }
    for id in archives.ids("uploads").await? {
        if !is_known(store.any_upload(&id).await)? {
            archives.delete_upload(&format!("uploads/{id}")).await?;
        }
    }
    Ok(())
}

/// A database that does not answer leaves it open.
fn is_known<T>(found: imagefleet_store::Result<T>) -> imagefleet_store::Result<bool> {
    match found {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Files that a crash left half written. Of an export that is being made the one who makes it takes care; an upload
/// may be written by this program, or by another one that holds it.
async fn sweep_staged(deps: &Deps) -> Result<Swept, Failure> {
    let (store, archives) = (&deps.store, &deps.archives);
    let mut swept = Swept::All;
    let mut gone = HashSet::new();
    for staged in archives.staged().await? {
        if staged.kind == "exports" {
            if is_known(store.any_export(&staged.id).await)? {
                continue;
            }
        } else if archives.in_hand.holds(&staged.id) {
            continue;
        } else if store.is_shared() && (staged.idle < HOLD || store.is_upload_held(&staged.id).await?) {
            swept = Swept::AllButOthers;
            continue;
        }
        archives.remove_staged(&staged).await?;
        gone.insert(staged.id);
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
