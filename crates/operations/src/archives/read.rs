use std::ops::Range;

use futures_util::StreamExt as _;
use imagefleet_archive::ByteStream;
use imagefleet_model::Failure;
use object_store::{GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _};

use super::{ArchiveStore, storage_failure};

impl ArchiveStore {
    /// These bytes of what lies there, as a stream.
    pub async fn read(&self, location: &str, range: Range<u64>) -> Result<ByteStream, Failure> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let answer = self
            .objects
            .get_opts(&self.path(location), options)
            .await
            .map_err(|error| storage_failure(&error))?;
        Ok(answer
            .into_stream()
            .map(|chunk| chunk.map_err(|error| storage_failure(&error)))
            .boxed())
    }

    /// Bytes of what lies there.
    pub async fn size(&self, location: &str) -> Result<u64, Failure> {
        Ok(self
            .objects
            .head(&self.path(location))
            .await
            .map_err(|error| storage_failure(&error))?
            .size)
    }
}
