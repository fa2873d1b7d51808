use std::path::{Path, PathBuf};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::Mutex;

use crate::open::connect_error;
use crate::{Result, StoreError};

/// What a program holds as long as it has the database open.
#[derive(Debug)]
pub enum Lock {
    /// Beside an `SQLite` file. The kernel gives it back when the program dies, however it dies.
    File { _file: std::fs::File },
    /// In a session of its own at `PostgreSQL`.
    Session(Mutex<Option<PgConnection>>),
    /// None: it only reads, beside whoever works.
    Reader,
}

/// Whether others may have a `PostgreSQL` database open too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Any number.
    WithOthers,
    /// Nobody.
    Alone,
}

impl Lock {
    /// Takes the lock beside an `SQLite` database.
    pub fn file(database: &Path) -> Result<Self> {
        let path = PathBuf::from(format!("{}.lock", database.display()));
        let failed = |cause| StoreError::File {
            path: path.display().to_string(),
            cause,
        };
        let file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => Ok(Self::File { _file: file }),
            Err(fs4::TryLockError::WouldBlock) => Err(StoreError::Locked(database.display().to_string())),
            Err(fs4::TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Takes the lock of a `PostgreSQL` database, beside others or alone.
    pub async fn session(connect: &PgConnectOptions, share: Share) -> Result<Self> {
        let mut session = connect.connect().await.map_err(connect_error)?;
        let take = match share {
            Share::WithOthers => "SELECT pg_try_advisory_lock_shared(7145829139)",
            Share::Alone => "SELECT pg_try_advisory_lock(7145829139)",
        };
        let taken: bool = sqlx::query_scalar(take)
            .fetch_one(&mut session)
            .await
            .map_err(connect_error)?;
        if taken {
            Ok(Self::Session(Mutex::new(Some(session))))
        } else {
            Err(StoreError::InUse)
        }
    }

    /// Gives it back now, not when the connection is found dead.
    pub async fn release(&self) {
        if let Self::Session(session) = self
            && let Some(mut session) = session.lock().await.take()
        {
            // PostgreSQL ends a closed session in its own time.
            sqlx::query("SELECT pg_advisory_unlock_all()")
                .execute(&mut session)
                .await
                .ok();
            // A connection that does not close is gone already.
            session.close().await.ok();
        }
    }
}
