use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use imagefleet_archive::ByteStream;
use imagefleet_model::{ErrorCode, Failure};
use imagefleet_store::{Upload, UploadStretch};

use super::checksum::Running;
use super::hold::Held;
use super::look::remember;
use super::{Checksum, expires_at};
use crate::Deps;
use crate::archives::{Reading, STRETCH};

/// A sender that is silent for so long is gone; proxies keep such connections open.
const SILENCE: Duration = Duration::from_mins(1);

/// Bytes of one request.
pub struct Part {
    /// Where the sender believes that they belong.
    pub offset: u64,
    /// How many the sender says that there are.
    pub size: Option<u64>,
    /// What they must sum up to: without it whatever comes is kept, with it all of them or none.
    pub checksum: Option<Checksum>,
    /// They themselves.
    pub bytes: ByteStream,
}

/// What has become of a [`Part`].
#[derive(Debug)]
pub struct Received {
    /// The upload as it is now.
    pub upload: Upload,
    /// Why the part ended early, when it did: what came before is kept.
    pub broken: Option<Failure>,
}

/// Receives bytes of an upload. It goes on when the caller is dropped: a connection that breaks takes its handler with
/// it, and what came until then shall be kept.
pub async fn receive(deps: &Deps, upload: Upload, part: Part) -> Result<Received, Failure> {
    let busy = || Failure::new(ErrorCode::Conflict, "Another request sends bytes of this upload.");
    let hold = deps.archives.in_hand.take(&upload.id).ok_or_else(busy)?;
    // Only now it is certain that nobody moves it.
    let upload = deps.store.any_upload(&upload.id).await?;
    if upload.received != part.offset {
        let sentence = format!(
            "The upload stands at byte {}, not at {}.",
            upload.received, part.offset
        );
        return Err(Failure::new(ErrorCode::Conflict, sentence));
    }
    let room = upload.length.map(|length| length - upload.received);
    if part.size.is_some_and(|size| room.is_some_and(|room| size > room)) {
        return Err(too_long());
    }
    let held = Held::take(&deps.store, &upload.id).await?;
    let deps = deps.clone();
    let receiving = tokio::spawn(async move {
        let along = deps.archives.readings.take(&upload.id, upload.received);
        let along = Arc::new(tokio::sync::Mutex::new(along));
        let broken = store_part(&deps, &upload, part, room, &along).await;
        held.release().await;
        let reading = along.lock().await.take();
        let broken = broken?;
        let mut upload = deps.store.any_upload(&upload.id).await?;
        // What passed and was not kept has made it useless.
        if let Some(reading) = reading.filter(|reading| reading.at() == upload.received) {
            if upload.complete {
                if let Some(contents) = reading.finish().await {
                    remember(&deps, &upload, &contents).await?;
                    upload = deps.store.any_upload(&upload.id).await?;
                }
            } else {
                deps.archives.readings.park(&upload.id, reading);
            }
        }
        drop(hold);
        Ok(Received { upload, broken })
    });
    receiving.await.unwrap_or_else(|error| {
        Err(Failure::new(
            ErrorCode::Internal,
            format!("receiving stopped: {error}"),
        ))
    })
}

/// Stores what comes; why it ended early, when it did.
async fn store_part(
    deps: &Deps,
    upload: &Upload,
    part: Part,
    room: Option<u64>,
    along: &Along,
) -> Result<Option<Failure>, Failure> {
    let sum = part.checksum.map(|checksum| Sum {
        running: Arc::new(Mutex::new(Some(checksum.algorithm.start()))),
        wanted: checksum.sum,
    });
    let mut bytes = watched(part.bytes, room, sum.as_ref(), Arc::clone(along));
    let mut stretches = Vec::new();
    let outcome = store_stretches(deps, upload, &mut bytes, sum.is_some(), &mut stretches).await;
    let Some(sum) = sum else { return outcome };
    let verdict = match outcome {
        Ok(None) if sum.is_true() => keep(deps, upload, &stretches).await,
        Ok(None) => Err(Failure::new(
            ErrorCode::ChecksumMismatch,
            "The bytes do not sum up to what was announced.",
        )),
        Ok(Some(broken)) | Err(broken) => Err(broken),
    };
    if let Err(failure) = verdict {
        for stretch in &stretches {
            deps.archives.drop_stretch(&upload.location, stretch).await?;
        }
        return Err(failure);
    }
    Ok(None)
}

/// Stores stretch by stretch; each counts at once unless there is a sum to wait for.
async fn store_stretches(
    deps: &Deps,
    upload: &Upload,
    bytes: &mut ByteStream,
    wait: bool,
    stored: &mut Vec<UploadStretch>,
) -> Result<Option<Failure>, Failure> {
    let archives = &deps.archives;
    let mut at = upload.received;
    loop {
        archives.require_space(upload.length.map_or(0, |length| length - at).min(STRETCH))?;
        let stretch = archives.write_stretch(&upload.location, at, bytes).await?;
        let too_long = stretch
            .broken
            .as_ref()
            .is_some_and(|failure| failure.code == ErrorCode::BodyTooLarge);
        if let Some(new) = stretch.stored {
            at += new.size;
            if too_long {
                archives.drop_stretch(&upload.location, &new).await?;
            } else if wait {
                stored.push(new);
            } else if let Err(failure) = keep(deps, upload, std::slice::from_ref(&new)).await {
                archives.drop_stretch(&upload.location, &new).await?;
                return Err(failure);
            }
        }
        match stretch.broken {
            Some(failure) if too_long => return Err(failure),
            None if !stretch.ended => {}
            broken => return Ok(broken),
        }
    }
}

/// Makes stretches count.
async fn keep(deps: &Deps, upload: &Upload, stretches: &[UploadStretch]) -> Result<(), Failure> {
    let expires_at = expires_at(deps);
    if deps
        .store
        .advance_upload(&upload.id, stretches, expires_at)
        .await?
    {
        return Ok(());
    }
    Err(Failure::new(
        ErrorCode::Conflict,
        "Another request was faster, or the upload is gone.",
    ))
}

struct Sum {
    running: Arc<Mutex<Option<Running>>>,
    wanted: Vec<u8>,
}

impl Sum {
    fn is_true(&self) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        running.is_some_and(|running| running.finish() == self.wanted)
    }
}

/// Who looks into the archive while it comes.
type Along = Arc<tokio::sync::Mutex<Option<Reading>>>;

/// The same bytes, summed up and looked into; they break when nothing comes for long, and when more come than there is room for.
fn watched(bytes: ByteStream, room: Option<u64>, sum: Option<&Sum>, along: Along) -> ByteStream {
    let running = sum.map(|sum| Arc::clone(&sum.running));
    let start = Some((bytes, room, running, along));
    stream::unfold(start, |state| async move {
        let (mut bytes, room, running, along) = state?;
        let chunk = match tokio::time::timeout(SILENCE, bytes.next()).await {
            Ok(chunk) => chunk?,
            Err(_) => Err(Failure::new(
                ErrorCode::UploadIncomplete,
                format!("Nothing came for {} s.", SILENCE.as_secs()),
            )),
        };
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(failure) => return Some((Err(failure), None)),
        };
        let room = match room.map(|room| room.checked_sub(chunk.len() as u64)) {
            Some(None) => return Some((Err(too_long()), None)),
            Some(rest) => rest,
            None => None,
        };
        if let Some(running) = &running
            && let Some(running) = running.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
        {
            running.take(&chunk);
        }
        if let Some(reading) = along.lock().await.as_mut() {
            reading.pass(chunk.clone()).await;
        }
        Some((Ok(chunk), Some((bytes, room, running, along))))
    })
    .boxed()
}

fn too_long() -> Failure {
    Failure::new(
        ErrorCode::BodyTooLarge,
        "More bytes came than the upload was announced with.",
    )
}
