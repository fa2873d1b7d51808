use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use imagefleet_model::Failure;
use imagefleet_operations::archives::ArchiveStore;
use url::Url;

use super::mib;
use super::report::Finding;
use crate::folder;
use crate::serve::archives;
use crate::settings::Settings;

const WHAT: &str = "archive store";
const PROBE: &[u8] = b"imagefleet doctor";
/// Archives are large: less room than this is soon none.
const LITTLE: u64 = 2 << 30;

/// Writes, reads and deletes a few bytes.
pub async fn look(settings: &Settings) -> Vec<Finding> {
    let place = &settings.archive_store;
    if let Some(folder) = folder_of(place).filter(|folder| !folder.exists()) {
        return vec![match folder::try_making(&folder) {
            Ok(()) => Finding::warning(
                WHAT,
                format!("{place} is not there yet"),
                "It is made at the first start.",
            ),
            Err(error) => Finding::problem(
                WHAT,
                format!("{place} cannot be made: {error}"),
                "Make it for the user that the program runs as, or give another place with --archive-store.",
            ),
        }];
    }
    let store = match archives(place, settings.archive_policy.clone()) {
        Ok(store) => store,
        Err(failure) => return vec![broken(&failure)],
    };
    let mut findings = vec![match probe(&store).await {
        Ok(()) => Finding::ok(WHAT, format!("{place} can be written, read and deleted in")),
        Err(failure) => broken(&failure),
    }];
    match store.free_space() {
        Some(free) if free < store.policy.reserve => findings.push(Finding::problem(
            WHAT,
            format!("{} are free, exports and uploads are refused", mib(free)),
            "Delete old exports, or give the archive store a larger disk.",
        )),
        Some(free) if free < LITTLE => findings.push(Finding::warning(
            WHAT,
            format!("{} are free", mib(free)),
            "Delete old exports, or give the archive store a larger disk.",
        )),
        Some(free) => findings.push(Finding::ok(WHAT, format!("{} are free", mib(free)))),
        None => {}
    }
    findings
}

/// The folder that the store is; `None` for a bucket.
fn folder_of(place: &str) -> Option<PathBuf> {
    if place.contains("://") {
        let url = Url::parse(place).ok().filter(|url| url.scheme() == "file")?;
        url.to_file_path().ok()
    } else {
        Some(PathBuf::from(place))
    }
}

async fn probe(store: &ArchiveStore) -> Result<(), Failure> {
    let location = format!("doctor/{:016x}", rand::random::<u64>());
    let bytes = stream::iter([Ok(Bytes::from_static(PROBE))]).boxed();
    store.write(&location, bytes).await?;
    let read = async {
        let parts: Vec<Bytes> = store
            .read(&location, 0..PROBE.len() as u64)
            .await?
            .try_collect()
            .await?;
        Ok::<_, Failure>(parts.concat())
    };
    let read = read.await;
    store.delete(&location).await?;
    if read? == PROBE {
        return Ok(());
    }
    Err(Failure::new(
        imagefleet_model::ErrorCode::Internal,
        "What was written is not what is read.",
    ))
}

fn broken(failure: &Failure) -> Finding {
    Finding::problem(
        WHAT,
        failure.message.clone(),
        "Check archive_store, the rights of the user that the program runs as, and for a bucket the AWS_ variables.",
    )
}
