use futures_util::StreamExt as _;
use imagefleet_archive::ByteStream;
use imagefleet_model::Failure;
use object_store::{ObjectStoreExt as _, WriteMultipart};

use super::{ArchiveStore, CHUNKS_UNDER_WAY, storage_failure};

impl ArchiveStore {
    /// Writes one archive as it comes. Nothing is there before all of it is: a failure of the stream or of the place
    /// leaves no file.
    pub async fn write(&self, location: &str, mut bytes: ByteStream) -> Result<u64, Failure> {
        let upload = self
            .objects
            .put_multipart(&self.path(location))
            .await
            .map_err(|e| storage_failure(&e))?;
        let mut writing = WriteMultipart::new_with_chunk_size(upload, self.chunk);
        let mut written = 0u64;
        while let Some(chunk) = bytes.next().await {
            let step = match chunk {
                Ok(chunk) => {
                    written += chunk.len() as u64;
                    writing.put(chunk);
                    writing
                        .wait_for_capacity(CHUNKS_UNDER_WAY)
                        .await
                        .map_err(|error| storage_failure(&error))
                }
                Err(failure) => Err(failure),
            };
            if let Err(failure) = step {
                // What matters is why; a leftover of the place's own is swept up later.
                writing.abort().await.ok();
                return Err(failure);
            }
        }
        writing.finish().await.map_err(|error| storage_failure(&error))?;
        Ok(written)
    }
}
