use std::time::Duration;

use imagefleet_model::{Failure, millis};
use imagefleet_store::Store;
use tokio_util::task::AbortOnDropHandle;

/// For how long other programs believe that one writes an upload that does not say so again.
pub const HOLD: Duration = Duration::from_secs(20);

/// As long as it lives, other programs on the same database know that this one writes an upload.
#[derive(Debug)]
pub struct Held {
    store: Store,
    id: String,
    renewed: AbortOnDropHandle<()>,
}

impl Held {
    /// Says so to the others, before the first byte is written.
    pub async fn take(store: &Store, id: &str) -> Result<Self, Failure> {
        hold(store, id, HOLD).await?;
        let (renewing, renewed) = (store.clone(), id.to_owned());
        let renew = async move {
            loop {
                tokio::time::sleep(HOLD / 4).await;
                if let Err(error) = hold(&renewing, &renewed, HOLD).await {
                    tracing::warn!(%error, upload = renewed, "other programs may take what is written for nobody's");
                }
            }
        };
        Ok(Self {
            store: store.clone(),
            id: id.to_owned(),
            renewed: AbortOnDropHandle::new(tokio::spawn(renew)),
        })
    }

    /// Nothing is written any more.
    pub async fn release(self) {
        self.renewed.abort();
        // It may be saying so at this moment.
        self.renewed.await.ok();
        if let Err(error) = hold(&self.store, &self.id, Duration::ZERO).await {
            tracing::debug!(%error, upload = self.id, "it ends by itself");
        }
    }
}

async fn hold(store: &Store, id: &str, how_long: Duration) -> imagefleet_store::Result<()> {
    store.hold_upload(id, millis(how_long)).await
}
