use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use imagefleet_archive::ByteStream;
use imagefleet_model::Failure;
use imagefleet_store::UploadStretch;
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use super::{ArchiveStore, storage_failure};

/// Bytes of one stretch: what a crash can cost at most.
pub const STRETCH: u64 = 64 << 20;

/// How one stretch of an upload ended.
#[derive(Debug)]
pub struct Stretch {
    /// What is stored now; `None` when nothing came.
    pub stored: Option<UploadStretch>,
    /// Whether the sender's stream has ended; otherwise another stretch follows.
    pub ended: bool,
    /// Why the stream broke, when it did: what came before it is stored all the same.
    pub broken: Option<Failure>,
}

impl ArchiveStore {
    /// Stores the next stretch of an upload, which begins at `start`, from a stream that may go on after it. It counts
    /// when the database knows it; two that store the same bytes at once are two objects.
    pub async fn write_stretch(
        &self,
        location: &str,
        start: u64,
        bytes: &mut ByteStream,
    ) -> Result<Stretch, Failure> {
        let name = format!("{start:020}-{:08x}", rand::random::<u32>());
        let mut writing = self.begin(&format!("{location}/{name}")).await?;
        let (mut size, mut ended, mut broken) = (0, false, None);
        while size < STRETCH && !ended && broken.is_none() {
            match bytes.next().await {
                None => ended = true,
                Some(Err(failure)) => broken = Some(failure),
                Some(Ok(chunk)) => {
                    size += chunk.len() as u64;
                    if let Err(failure) = writing.put(chunk).await {
                        writing.give_up().await;
                        return Err(failure);
                    }
                }
            }
        }
        if size > 0 {
            writing.finish().await?;
        } else {
            writing.give_up().await;
        }
        Ok(Stretch {
            stored: (size > 0).then_some(UploadStretch { start, size, name }),
            ended,
            broken,
        })
    }

    /// Takes back a stretch: its checksum was wrong, or somebody else was faster.
    pub async fn drop_stretch(&self, location: &str, stretch: &UploadStretch) -> Result<(), Failure> {
        self.delete(&format!("{location}/{}", stretch.name)).await
    }

    /// The bytes of these stretches, one behind the other.
    #[must_use]
    pub fn read_upload(&self, location: &str, stretches: Vec<UploadStretch>) -> ByteStream {
        let store = self.clone();
        let location = location.to_owned();
        stream::iter(stretches)
            .then(move |stretch| {
                let store = store.clone();
                let place = format!("{location}/{}", stretch.name);
                async move { store.read(&place, 0..stretch.size).await }
            })
            .try_flatten()
            .boxed()
    }

    /// Removes all bytes of an upload, also those that never counted.
    pub async fn delete_upload(&self, location: &str) -> Result<(), Failure> {
        let objects: Vec<_> = self
            .objects
            .list(Some(&self.path(location)))
            .try_collect()
            .await
            .map_err(|error| storage_failure(&error))?;
        for object in objects {
            match self.objects.delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(storage_failure(&error)),
            }
        }
        Ok(())
    }
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
        assert!(first.broken.is_some() && !first.ended);
        let first = first.stored.expect("six bytes");
        assert_eq!((first.start, first.size), (0, 6));
        let second = store
            .write_stretch("uploads/a", 6, &mut bytes(vec![Ok("world")]))
            .await
            .expect("stored");
        assert!(second.ended);
        let second = second.stored.expect("five bytes");
        assert_eq!(
            text(store.read_upload("uploads/a", vec![first.clone(), second])).await,
            "hello world"
        );
        store.delete_upload("uploads/a").await.expect("deleted");
        let mut gone = store.read_upload("uploads/a", vec![first]);
        assert!(
            gone.next().await.expect("an answer").is_err(),
            "never a short file"
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
