//! What imagefleet knows, in `SQLite` or `PostgreSQL`: one code, one set of migrations.
//!
//! One file a noun. SQL is written so that both databases read it (`$1` parameters, times as milliseconds since 1970
//! in `BIGINT`, lists and objects as JSON text); the few places where they differ ask [`Store::backend`]. Every
//! writing transaction goes through [`Store::write`], which takes `SQLite`'s write lock at the start: a deferred one that
//! reads first fails under load.

mod access;
mod audit;
mod containers;
mod error;
mod exports;
mod images;
mod inspect;
mod inventory;
mod lease;
mod lock;
mod migrations;
mod news;
mod open;
mod operations;
mod registries;
mod roles;
mod rotate;
mod scope;
mod secrets;
mod servers;
mod sessions;
mod software;
mod sql;
pub mod testing;
mod tokens;
mod uploads;
mod users;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use imagefleet_model::Clock;
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

pub use audit::{AuditEntry, AuditFilter};
pub use containers::{ContainerChange, ContainerChanges, ContainerFilter, REMOVED};
pub use error::StoreError;
pub use exports::{NewExport, StoredExport, new_export_id};
pub use images::{
    Holder, ImageFilter, ImageGroup, ImageSort, Placement, ServerGroup, ServerSummary, SortKey,
};
pub use inspect::Schema;
pub use inventory::{
    Changes, ImageContent, Inventory, SeenContainer, SeenImage, UNKNOWN_REPOSITORY, content_fingerprint,
    seen_images,
};
pub use lease::LeaseClock;
pub use news::{Hearing, News};
pub use open::StoreOptions;
pub use operations::{
    Announcement, Cancelled, ClaimedStep, Finale, NewOperation, NewStep, OperationFilter, ProgressUpdate,
    QueueFigures, QueueSettings, SealedPayload, Settled, StepOutcome, StoredProgress,
};
pub use registries::{NewRegistry, RegistryAccount, RegistryChange};
pub use rotate::Rotated;
pub use secrets::{SecretKey, Secrets};
pub use servers::{
    EngineServer, HealthChange, JumpSecrets, NewServer, ServerChange, ServerFilter, ServerSshSetting,
    ServerTlsSetting, SshSecrets, TlsSecrets,
};
pub use sessions::{NewSession, Session};
pub use software::{Imported, NewSoftware, SoftwareFilter};
pub use tokens::{NewToken, Token};
pub use uploads::{NewUpload, Upload, UploadStretch, new_upload_id};
pub use users::{LoginRow, NewUser, User, UserChange};
pub use watches::Watch;

use lock::Lock;

/// For how long connections to a server are waited for that are to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The database, its clock and its key. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: DatabaseConnection,
    clock: Arc<dyn Clock>,
    secrets: Secrets,
    queue: Arc<QueueSettings>,
    lease_clock: LeaseClock,
    /// `SQLite` has one writer: queueing here is fair and cheap, queueing in its busy handler is neither.
    writer: Option<Arc<tokio::sync::Mutex<()>>>,
    /// The inventory, as far as pages are found in memory.
    memory: images::InMemory,
    /// Held for the life of the program: a second one on the same `SQLite` file is refused, and on `PostgreSQL` a change
    /// of the key while others run.
    lock: Arc<Lock>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("backend", &self.backend())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Which database this is.
    #[must_use]
    pub fn backend(&self) -> DatabaseBackend {
        self.db.get_database_backend()
    }

    /// Whether this is `SQLite`.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.backend() == DatabaseBackend::Sqlite
    }

    /// Whether other programs may have it open too: what is stored is told to all of them then, this one among them.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        !self.is_sqlite()
    }

    /// The same store with another rule for what may run when.
    #[must_use]
    pub fn with_queue(mut self, queue: QueueSettings) -> Self {
        self.queue = Arc::new(queue);
        self
    }

    /// The clock that stamps rows.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Ends its connections and gives the database free, once this is its last use.
    pub async fn close(self) {
        if self.is_shared() {
            // A connection that died without a word would be waited for; it ends with the program.
            tokio::time::timeout(FAREWELL, self.db.close()).await.ok();
            tokio::time::timeout(FAREWELL, self.lock.release()).await.ok();
        } else {
            self.db.close().await.ok();
        }
    }

    /// The connection pool, for benchmarks and tests.
    #[must_use]
    pub fn connection(&self) -> &DatabaseConnection {
        &self.db
    }

    /// Whether the database answers and can be read.
    pub async fn ping(&self) -> Result<()> {
        self.db.execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    /// Runs `work` in a writing transaction: all of it is stored, or nothing.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: AsyncFnOnce(&DatabaseTransaction) -> Result<T>,
    {
        let _turn = match &self.writer {
            Some(writer) => Some(writer.lock().await),
            None => None,
        };
        let options = TransactionOptions {
            sqlite_transaction_mode: self.is_sqlite().then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let tx = self.db.begin_with_options(options).await?;
        match work(&tx).await {
            Ok(value) => {
                tx.commit().await?;
                Ok(value)
            }
            Err(error) => {
                // The first error is the one to report; a failed rollback is one more sign of the same.
                tx.rollback().await.ok();
                Err(error)
            }
        }
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }
}
