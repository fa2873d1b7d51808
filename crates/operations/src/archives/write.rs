use bytes::Bytes;
use futures_util::StreamExt as _;
use imagefleet_archive::ByteStream;
use imagefleet_model::Failure;
use object_store::{ObjectStoreExt as _, WriteMultipart};

use super::{ArchiveStore, CHUNKS_UNDER_WAY, storage_failure};

/// After so many bytes the disk's free space is looked at again.
const LOOK_AFTER: u64 = 16 << 20;

impl ArchiveStore {
    /// Writes one archive as it comes. Nothing is there before all of it is: a failure of the stream or of the place,
    /// and a write that is dropped, leave no file.
    pub async fn write(&self, location: &str, mut bytes: ByteStream) -> Result<u64, Failure> {
        let mut writing = self.begin(location).await?;
        let (mut written, mut looked_at) = (0u64, 0u64);
        while let Some(chunk) = bytes.next().await {
            let step = match chunk {
                Ok(chunk) => {
                    written += chunk.len() as u64;
                    // How much comes is not known for certain before, and others write here too.
                    let room = if written - looked_at >= LOOK_AFTER {
                        looked_at = written;
                        self.require_space(0)
                    } else {
                        Ok(())
                    };
                    match room {
                        Ok(()) => writing.put(chunk).await,
                        full => full,
                    }
                }
                Err(failure) => Err(failure),
            };
            if let Err(failure) = step {
                writing.give_up().await;
                return Err(failure);
            }
        }
        writing.finish().await?;
        Ok(written)
    }

    pub(super) async fn begin(&self, location: &str) -> Result<Writing, Failure> {
        let upload = self
            .objects
            .put_multipart(&self.path(location))
            .await
            .map_err(|e| storage_failure(&e))?;
        Ok(Writing(Some(WriteMultipart::new_with_chunk_size(
            upload, self.chunk,
        ))))
    }
}

/// An object that is being written. It is there when [`Writing::finish`] has ended well, and otherwise it leaves
/// nothing behind.
pub(super) struct Writing(Option<WriteMultipart>);

impl Writing {
    /// Hands bytes over; waits while too many are on their way.
    pub(super) async fn put(&mut self, bytes: Bytes) -> Result<(), Failure> {
        let Some(writing) = &mut self.0 else { return Ok(()) };
        writing.put(bytes);
        let room = writing.wait_for_capacity(CHUNKS_UNDER_WAY).await;
        room.map_err(|error| storage_failure(&error))
    }

    pub(super) async fn finish(mut self) -> Result<(), Failure> {
        if let Some(writing) = self.0.take() {
            writing.finish().await.map_err(|error| storage_failure(&error))?;
        }
        Ok(())
    }

    /// Leaves nothing behind. What went wrong before matters more than whether that worked; the sweep comes by later.
    pub(super) async fn give_up(mut self) {
        if let Some(writing) = self.0.take() {
            writing.abort().await.ok();
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let Some(writing) = self.0.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // What the place keeps of it until then is invisible, and a bucket would keep it for ever.
            runtime.spawn(async move { writing.abort().await.ok() });
        }
    }
}
