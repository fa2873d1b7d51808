//! Where exports and uploads lie: a folder, or a bucket, behind one interface.
//!
//! An export is one object. An upload is a row of objects, one for each stretch of bytes that arrived, named by its
//! offset: nothing has to be appended to, so a bucket serves as well as a folder, and an upload that was begun through
//! one program can go on through another.

mod in_hand;
mod leftovers;
mod read;
mod readings;
mod upload;
mod write;

pub use in_hand::{Hold, InHand};
pub use leftovers::Staged;
pub use readings::{Reading, Readings};
pub use upload::{STRETCH, Stretch};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use imagefleet_model::{ErrorCode, Failure};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt as _};
use url::Url;

use crate::innermost::innermost;

/// Bytes handed to a folder at once.
const FOLDER_CHUNK: usize = 1 << 20;
/// Bytes handed to a bucket at once: the smallest part that S3 takes is 5 MiB.
const BUCKET_CHUNK: usize = 8 << 20;
/// How many chunks may be on their way.
const CHUNKS_UNDER_WAY: usize = 2;

/// How long archives are kept and how much room they may take.
#[derive(Debug, Clone)]
pub struct ArchivePolicy {
    /// For how long an export is kept; for ever when `None`.
    pub export_days: Option<u32>,
    /// For how long an upload is kept after its last byte.
    pub upload_hours: u32,
    /// Bytes that all exports together may take: the oldest go first. No limit when `None`.
    pub budget: Option<u64>,
    /// Bytes that must stay free on the disk of a folder.
    pub reserve: u64,
}

impl Default for ArchivePolicy {
    fn default() -> Self {
        Self {
            export_days: Some(7),
            upload_hours: 24,
            budget: None,
            reserve: 256 << 20,
        }
    }
}

/// The place of exports and uploads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ArchiveStore {
    objects: Arc<dyn ObjectStore>,
    /// The folder, when it is one of this machine.
    folder: Option<PathBuf>,
    prefix: object_store::path::Path,
    chunk: usize,
    /// Uploads that a request writes at this moment.
    pub in_hand: InHand,
    /// Uploads that are looked into while they come.
    pub readings: Readings,
    /// How long archives are kept.
    pub policy: ArchivePolicy,
}

impl ArchiveStore {
    /// A folder, made when it is missing.
    pub fn folder(path: &Path, policy: ArchivePolicy) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(
                ErrorCode::Internal,
                format!("The archive store {} cannot be used: {error}", path.display()),
            )
        };
        std::fs::create_dir_all(path).map_err(|error| failed(&error))?;
        let objects = LocalFileSystem::new_with_prefix(path).map_err(|error| failed(&error))?;
        Ok(Self {
            objects: Arc::new(objects.with_automatic_cleanup(true)),
            folder: Some(path.to_owned()),
            prefix: object_store::path::Path::default(),
            chunk: FOLDER_CHUNK,
            in_hand: InHand::default(),
            readings: Readings::default(),
            policy,
        })
    }

    /// A folder (`file:///…`) or a bucket (`s3://bucket/prefix`); of `variables` the usual `AWS_…` ones say how to reach
    /// it.
    pub fn open(
        url: &str,
        variables: impl IntoIterator<Item = (String, String)>,
        policy: ArchivePolicy,
    ) -> Result<Self, Failure> {
        let invalid =
            |why: String| Failure::new(ErrorCode::InvalidInput, format!("archive store {url}: {why}"));
        let parsed = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
        if parsed.scheme() == "file" {
            let path = parsed
                .to_file_path()
                .map_err(|()| invalid("it is no absolute path".to_owned()))?;
            return Self::folder(&path, policy);
        }
        let options = variables.into_iter().filter_map(bucket_option);
        let (objects, prefix) =
            object_store::parse_url_opts(&parsed, options).map_err(|error| invalid(innermost(&error)))?;
        Ok(Self {
            objects: objects.into(),
            folder: None,
            prefix,
            chunk: BUCKET_CHUNK,
            in_hand: InHand::default(),
            readings: Readings::default(),
            policy,
        })
    }

    /// Removes what lies there; nothing there is no error.
    pub async fn delete(&self, location: &str) -> Result<(), Failure> {
        match self.objects.delete(&self.path(location)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(storage_failure(&error)),
        }
    }

    /// Fails when so many more bytes would not fit.
    pub fn require_space(&self, bytes: u64) -> Result<(), Failure> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let free = fs4::available_space(folder).map_err(|error| {
            Failure::new(
                ErrorCode::Internal,
                format!("The disk's free space is unknown: {error}"),
            )
        })?;
        if free < bytes.saturating_add(self.policy.reserve) {
            return Err(Failure::new(
                ErrorCode::NoSpace,
                format!(
                    "The archive store has {} MiB free; {} MiB are needed and {} MiB must stay free.",
                    free >> 20,
                    bytes >> 20,
                    self.policy.reserve >> 20
                ),
            ));
        }
        Ok(())
    }

    /// Bytes free for archives, when it can be told.
    #[must_use]
    pub fn free_space(&self) -> Option<u64> {
        fs4::available_space(self.folder.as_ref()?).ok()
    }

    fn path(&self, location: &str) -> object_store::path::Path {
        location
            .split('/')
            .fold(self.prefix.clone(), object_store::path::Path::join)
    }
}

/// The name under which `object_store` knows the variable. It would take others too, such as `TOKEN`, which may mean
/// anything in an environment.
fn bucket_option((name, value): (String, String)) -> Option<(String, String)> {
    let name = name.to_ascii_lowercase();
    name.starts_with("aws_").then_some((name, value))
}

/// A failure of the place itself, in its own words.
fn storage_failure(error: &object_store::Error) -> Failure {
    let text = error.to_string();
    if text.contains("No space left") || text.contains("os error 28") || text.contains("os error 122") {
        return Failure::new(ErrorCode::NoSpace, "The disk of the archive store is full.");
    }
    match error {
        object_store::Error::NotFound { .. } => {
            Failure::new(ErrorCode::ExportUnavailable, "The archive is gone.")
        }
        _ => Failure::new(ErrorCode::Internal, format!("The archive store failed: {text}")),
    }
}
