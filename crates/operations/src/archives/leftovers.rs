use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt as _;
use imagefleet_model::{ErrorCode, Failure};
use object_store::ObjectStore as _;

use super::{ArchiveStore, storage_failure};

/// A file that was being written: a folder's objects get their name when all of their bytes are there, until then
/// they lie beside it as `name#1`. A crash leaves it behind, and no list of objects shows it.
#[derive(Debug)]
pub struct Staged {
    /// `exports` or `uploads`.
    pub kind: String,
    /// The export or upload that it belongs to.
    pub id: String,
    /// Since when nothing was written.
    pub idle: Duration,
    path: PathBuf,
}

impl ArchiveStore {
    /// Ids of everything that has bytes under `exports` or `uploads`.
    pub async fn ids(&self, kind: &str) -> Result<Vec<String>, Failure> {
        let place = self.path(kind);
        let objects: Vec<_> = self
            .objects
            .list(Some(&place))
            .try_collect()
            .await
            .map_err(|error| storage_failure(&error))?;
        let ids = objects.iter().filter_map(|object| {
            let mut below = object.location.prefix_match(&place)?;
            Some(below.next()?.as_ref().to_owned())
        });
        let mut ids: Vec<String> = ids.collect();
        ids.dedup();
        Ok(ids)
    }

    /// What was being written to a folder, by whomever. A bucket has its own rule for parts that were never put
    /// together.
    pub async fn staged(&self) -> Result<Vec<Staged>, Failure> {
        let Some(folder) = self.folder.clone() else {
            return Ok(Vec::new());
        };
        tokio::task::spawn_blocking(move || find_staged(&folder))
            .await
            .map_err(|error| failure(&error))
    }

    /// Removes a file that nobody writes any more.
    pub async fn remove_staged(&self, staged: &Staged) -> Result<(), Failure> {
        match tokio::fs::remove_file(&staged.path).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failure(&error)),
            _ => Ok(()),
        }
    }
}

fn find_staged(folder: &Path) -> Vec<Staged> {
    let mut found = Vec::new();
    for kind in ["exports", "uploads"] {
        let mut folders = vec![folder.join(kind)];
        while let Some(inside) = folders.pop() {
            // What vanishes meanwhile needs no sweeping.
            for entry in std::fs::read_dir(&inside).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(meta) = entry.metadata() else { continue };
                if meta.is_dir() {
                    folders.push(path);
                    continue;
                }
                let idle = meta.modified().ok();
                let idle = idle.and_then(|at| SystemTime::now().duration_since(at).ok());
                if let Some(id) = staged_id(path.strip_prefix(folder.join(kind)).unwrap_or(&path)) {
                    let idle = idle.unwrap_or_default();
                    found.push(Staged {
                        kind: kind.to_owned(),
                        id,
                        idle,
                        path,
                    });
                }
            }
        }
    }
    found
}

/// The id in `<id>#7` or `<id>/<stretch>#7`.
fn staged_id(below: &Path) -> Option<String> {
    let (_, number) = below.file_name()?.to_str()?.rsplit_once('#')?;
    number.parse::<u64>().ok()?;
    let first = below.iter().next()?.to_str()?;
    Some(first.split('#').next().unwrap_or(first).to_owned())
}

fn failure(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        ErrorCode::Internal,
        format!("The archive store cannot be swept: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::staged_id;
    use crate::archives::{ArchivePolicy, ArchiveStore};

    #[test]
    fn only_what_has_a_number_behind_it_is_staged() {
        let id = |path: &str| staged_id(Path::new(path));
        assert_eq!(id("abc#1"), Some("abc".to_owned()));
        assert_eq!(id("abc/000-x#12"), Some("abc".to_owned()));
        assert_eq!((id("abc"), id("abc#x"), id("abc/000-x")), (None, None, None));
    }

    #[tokio::test]
    async fn finds_what_a_crash_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = ArchiveStore::folder(folder.path(), ArchivePolicy::default()).expect("opens");
        let inside = folder.path().join("uploads/u1");
        std::fs::create_dir_all(&inside).expect("made");
        std::fs::write(inside.join("0-a#1"), "x").expect("written");
        std::fs::write(inside.join("0-b"), "x").expect("written");
        let staged = store.staged().await.expect("looked");
        assert_eq!(
            staged
                .iter()
                .map(|s| (s.kind.as_str(), s.id.as_str()))
                .collect::<Vec<_>>(),
            [("uploads", "u1")]
        );
        assert_eq!(store.ids("uploads").await.expect("listed"), ["u1"]);
        assert!(store.ids("exports").await.expect("listed").is_empty());
        store.remove_staged(&staged[0]).await.expect("removed");
        assert!(inside.join("0-b").exists() && !inside.join("0-a#1").exists());
    }
}
