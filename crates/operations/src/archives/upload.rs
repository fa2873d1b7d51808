use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use imagefleet_archive::ByteStream;
use imagefleet_model::Failure;
use object_store::{ObjectStore as _, ObjectStoreExt as _, WriteMultipart};

use super::{ArchiveStore, CHUNKS_UNDER_WAY, storage_failure};

/// Bytes of one stretch: what a crash can cost at most.
const STRETCH: u64 = 64 << 20;

/// How one stretch of an upload ended.
#[derive(Debug)]
pub struct Stretch {
    /// Bytes that are stored now.
    pub stored: u64,
    /// Whether the sender's stream has ended; otherwise another stretch follows.
    pub ended: bool,
    /// Why the stream broke, when it did: what came before it is stored all the same.
    pub broken: Option<Failure>,
}

impl ArchiveStore {
    /// Stores the next stretch of an upload, at `offset`, from a stream that may go on after it.
    pub async fn write_stretch(
        &self,
        location: &str,
        offset: u64,
        bytes: &mut ByteStream,
    ) -> Result<Stretch, Failure> {
        let path = self.path(&stretch_location(location, offset));
        let upload = self
            .objects
            .put_multipart(&path)
            .await
            .map_err(|error| storage_failure(&error))?;
        let mut writing = WriteMultipart::new_with_chunk_size(upload, self.chunk);
        let mut stretch = Stretch {
            stored: 0,
            ended: false,
            broken: None,
        };
        while stretch.stored < STRETCH {
            match bytes.next().await {
                None => stretch.ended = true,
                Some(Err(failure)) => stretch.broken = Some(failure),
                Some(Ok(chunk)) => {
                    stretch.stored += chunk.len() as u64;
                    writing.put(chunk);
                    if let Err(error) = writing.wait_for_capacity(CHUNKS_UNDER_WAY).await {
                        writing.abort().await.ok();
                        return Err(storage_failure(&error));
                    }
                    continue;
                }
            }
            break;
        }
        if stretch.stored == 0 {
            writing.abort().await.ok();
        } else {
            writing.finish().await.map_err(|error| storage_failure(&error))?;
        }
        Ok(stretch)
    }

    /// Takes back a stretch: its checksum was wrong, or somebody else was faster.
    pub async fn drop_stretch(&self, location: &str, offset: u64) -> Result<(), Failure> {
        self.delete(&stretch_location(location, offset)).await
    }

    /// All bytes of an upload, up to `length`.
    pub async fn read_upload(&self, location: &str, length: u64) -> Result<ByteStream, Failure> {
        let mut stretches = self.stretches(location).await?;
        stretches.retain(|(offset, _)| *offset < length);
        let store = self.clone();
        let location = location.to_owned();
        Ok(stream::iter(stretches)
            .then(move |(offset, size)| {
                let store = store.clone();
                let location = stretch_location(&location, offset);
                async move { store.read(&location, 0..size.min(length - offset)).await }
            })
            .try_flatten()
            .boxed())
    }

    /// Removes all bytes of an upload.
    pub async fn delete_upload(&self, location: &str) -> Result<(), Failure> {
        for (offset, _) in self.stretches(location).await? {
            self.drop_stretch(location, offset).await?;
        }
        Ok(())
    }

    async fn stretches(&self, location: &str) -> Result<Vec<(u64, u64)>, Failure> {
        let found: Vec<_> = self
            .objects
            .list(Some(&self.path(location)))
            .try_collect()
            .await
            .map_err(|error| storage_failure(&error))?;
        let mut stretches: Vec<(u64, u64)> = found
            .into_iter()
            .filter_map(|object| Some((object.location.filename()?.parse().ok()?, object.size)))
            .collect();
        stretches.sort_unstable();
        Ok(stretches)
    }
}

/// Twenty digits: names sort as offsets do.
fn stretch_location(location: &str, offset: u64) -> String {
    format!("{location}/{offset:020}")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{StreamExt as _, TryStreamExt as _, stream};
    use imagefleet_archive::ByteStream;
    use imagefleet_model::{ErrorCode, Failure};

    use crate::archives::{ArchivePolicy, ArchiveStore};

    fn bytes(chunks: Vec<Result<&'static str, Failure>>) -> ByteStream {
        stream::iter(chunks)
            .map(|chunk| chunk.map(|text| Bytes::from_static(text.as_bytes())))
            .boxed()
    }

    async fn text(stream: ByteStream) -> String {
        let chunks: Vec<Bytes> = stream.try_collect().await.expect("readable");
        String::from_utf8(chunks.concat()).expect("text")
    }

    #[tokio::test]
    async fn what_came_before_a_break_is_kept_and_the_rest_follows() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = ArchiveStore::folder(folder.path(), ArchivePolicy::default()).expect("opens");
        let broken = Failure::new(ErrorCode::UploadIncomplete, "the connection broke");
        let first = store
            .write_stretch("uploads/a", 0, &mut bytes(vec![Ok("hello "), Err(broken)]))
            .await;
        let first = first.expect("stored");
        assert!(first.stored == 6 && first.broken.is_some() && !first.ended);
        let second = store
            .write_stretch("uploads/a", 6, &mut bytes(vec![Ok("world")]))
            .await
            .expect("stored");
        assert!(second.ended && second.stored == 5);
        assert_eq!(
            text(store.read_upload("uploads/a", 11).await.expect("readable")).await,
            "hello world"
        );
        store.delete_upload("uploads/a").await.expect("deleted");
        assert_eq!(
            text(store.read_upload("uploads/a", 11).await.expect("readable")).await,
            ""
        );
    }

    #[tokio::test]
    async fn a_failed_archive_leaves_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = ArchiveStore::folder(folder.path(), ArchivePolicy::default()).expect("opens");
        let broken = Failure::new(ErrorCode::EngineDisconnected, "gone");
        let failed = store
            .write("exports/a", bytes(vec![Ok("part"), Err(broken.clone())]))
            .await;
        assert_eq!(failed, Err(broken));
        let left = std::fs::read_dir(folder.path().join("exports")).map_or(0, Iterator::count);
        assert_eq!(left, 0);
        assert_eq!(store.write("exports/b", bytes(vec![Ok("whole")])).await, Ok(5));
        assert_eq!(
            text(store.read("exports/b", 1..4).await.expect("readable")).await,
            "hol"
        );
    }

    #[test]
    fn room_is_asked_for_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = ArchiveStore::folder(folder.path(), ArchivePolicy::default()).expect("opens");
        assert!(store.require_space(1).is_ok());
        let refused = store.require_space(1 << 60).expect_err("no disk is that large");
        assert_eq!(refused.code, ErrorCode::NoSpace);
    }
}
