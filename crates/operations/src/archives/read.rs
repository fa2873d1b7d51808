use std::io::SeekFrom;
use std::ops::Range;

use futures_util::StreamExt as _;
use imagefleet_archive::{ByteStream, from_reader};
use imagefleet_model::{ErrorCode, Failure};
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore as _, ObjectStoreExt as _};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

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
        let range = answer.range.clone();
        match answer.payload {
            // The store would hand it out in pieces of 8 KiB.
            GetResultPayload::File(file, _) => {
                let mut file = tokio::fs::File::from_std(file);
                file.seek(SeekFrom::Start(range.start))
                    .await
                    .map_err(unreadable)?;
                Ok(from_reader(file.take(range.end - range.start)))
            }
            GetResultPayload::Stream(stream) => Ok(stream
                .map(|chunk| chunk.map_err(|error| storage_failure(&error)))
                .boxed()),
        }
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

fn unreadable(error: std::io::Error) -> Failure {
    Failure::new(
        ErrorCode::Internal,
        format!("The archive cannot be read: {error}"),
    )
}
