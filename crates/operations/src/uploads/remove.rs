use imagefleet_model::{ErrorCode, Failure};
use imagefleet_store::Upload;

use crate::Deps;

/// Removes an upload, unless an import that has not ended needs it.
pub async fn remove(deps: &Deps, upload: &Upload) -> Result<(), Failure> {
    if deps.store.upload_in_use(&upload.id).await? {
        return Err(Failure::new(
            ErrorCode::Conflict,
            "An import that has not ended needs this upload; cancel it first.",
        ));
    }
    // The row first: a request that still writes finds it gone and takes its bytes back.
    deps.store.delete_upload(&upload.id).await?;
    deps.archives.readings.forget(&upload.id);
    deps.archives.delete_upload(&upload.location).await
}
