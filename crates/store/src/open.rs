use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use imagefleet_model::Clock;
use sea_orm::{ConnectionTrait as _, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::images::InMemory;
use crate::lock::{Lock, Share};
use crate::{LeaseClock, Result, SecretKey, Secrets, Store, StoreError, migrations, sql};

/// Readers beside the one writer; more only fight for two cores.
const SQLITE_CONNECTIONS: u32 = 8;
const POSTGRES_CONNECTIONS: u32 = 16;

/// How to open the store.
#[derive(Clone)]
pub struct StoreOptions {
    /// `sqlite://path` or `postgres://…`.
    pub url: String,
    /// The installation's key.
    pub key: SecretKey,
    /// What stamps the rows.
    pub clock: Arc<dyn Clock>,
}

impl Store {
    /// Opens the database, brings its schema up to date and checks that the key belongs to it.
    pub async fn open(options: StoreOptions) -> Result<Self> {
        Self::open_as(options, Share::WithOthers).await
    }

    /// The same, and nobody else has the database open: for what others must not run beside.
    pub async fn open_alone(options: StoreOptions) -> Result<Self> {
        Self::open_as(options, Share::Alone).await
    }

    async fn open_as(options: StoreOptions, share: Share) -> Result<Self> {
        let secrets = Secrets::new(&options.key);
        let (db, writer, lock) = if let Some(path) = options.url.strip_prefix("sqlite://") {
            let path = PathBuf::from(path.split('?').next().unwrap_or(path));
            let lock = Lock::file(&path)?;
            (
                open_sqlite(&path).await?,
                Some(Arc::new(tokio::sync::Mutex::new(()))),
                lock,
            )
        } else if options.url.starts_with("postgres://") || options.url.starts_with("postgresql://") {
            let connect = PgConnectOptions::from_str(&options.url).map_err(connect_error)?;
            let lock = Lock::session(&connect, share).await?;
            let pool = PgPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS)
                .acquire_timeout(Duration::from_secs(10))
                .connect_with(connect)
                .await
                .map_err(connect_error)?;
            (SqlxPostgresConnector::from_sqlx_postgres_pool(pool), None, lock)
        } else {
            return Err(not_a_database());
        };
        migrations::run(&db).await?;
        let store = Self {
            db,
            clock: options.clock,
            secrets,
            queue: Arc::default(),
            // `SQLite` has one program.
            lease_clock: if writer.is_some() {
                LeaseClock::Own
            } else {
                LeaseClock::Database
            },
            writer,
            memory: InMemory::default(),
            lock: Arc::new(lock),
        };
        store.check_key().await?;
        store.seed_software().await?;
        Ok(store)
    }

    /// The first program writes the key's name into the database; a later one with another key is refused.
    async fn check_key(&self) -> Result<()> {
        let key_id = self.secrets().key_id().to_owned();
        self.write(async |tx| {
            sql::run(
                tx,
                "INSERT INTO settings (name, value) VALUES ('secret_key_id', $1) ON CONFLICT (name) DO NOTHING",
                vec![key_id.into()],
            )
            .await?;
            Ok(())
        })
        .await?;
        if self.stored_key().await?.as_deref() == Some(self.secrets().key_id()) {
            Ok(())
        } else {
            Err(StoreError::WrongKey)
        }
    }

    /// The name of the key that the database was written with.
    pub(crate) async fn stored_key(&self) -> Result<Option<String>> {
        let row = self.db.query_one_raw(sea_orm::Statement::from_string(
            self.backend(),
            "SELECT value FROM settings WHERE name = 'secret_key_id'",
        ));
        let value = row.await?.map(|row| row.try_get_by_index::<String>(0));
        Ok(value.transpose()?)
    }
}

/// Nobody but its owner reads it, whatever the folder allows; files that `SQLite` puts beside it get the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

async fn open_sqlite(path: &Path) -> Result<sea_orm::DatabaseConnection> {
    make_private(path).map_err(|error| connect_error(sqlx::Error::Io(error)))?;
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        // Before the journal mode: switching to WAL already needs the lock.
        .busy_timeout(Duration::from_secs(10))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        // As PostgreSQL does, and as `Glob` does in memory: a right on `Team/*` is none on `team/*`. What people search
        // in is compared in small letters.
        .pragma("case_sensitive_like", "on")
        .pragma("temp_store", "memory")
        // It is read where the system keeps it, as much as `SQLite` can: a cache of each connection's own would hold the same
        // pages once more.
        .pragma("cache_size", "-4096")
        .pragma("mmap_size", "2147418112")
        .optimize_on_close(true, 400);
    let pool = SqlitePoolOptions::new()
        .max_connections(SQLITE_CONNECTIONS)
        // It lies in this program: nobody else ends it, and asking costs as much as a small query.
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(is_clean(connection)))
        .connect_with(connect)
        .await
        .map_err(connect_error)?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// Whether a connection may be used again. On a full disk `SQLite` ends a transaction by itself, and the driver goes on as if
/// it were in one: what the next one writes would be held open, and everybody locked out until the end of the program.
async fn is_clean(connection: &mut sqlx::SqliteConnection) -> std::result::Result<bool, sqlx::Error> {
    if !connection.is_in_transaction() {
        return Ok(true);
    }
    // A transaction that was given up is rolled back before this is answered.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// What a URL of another kind of database is told.
pub fn not_a_database() -> StoreError {
    StoreError::Unreadable("the database URL must begin with sqlite:// or postgres://".to_owned())
}

pub fn connect_error(error: sqlx::Error) -> StoreError {
    StoreError::Database(sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use crate::testing;

    #[tokio::test]
    async fn only_its_owner_reads_the_database() {
        let at = testing::sqlite().await;
        let file = at.url.trim_start_matches("sqlite://");
        for beside in ["", "-wal", "-shm"] {
            let of = std::fs::metadata(format!("{file}{beside}")).expect("it is open");
            assert_eq!(of.permissions().mode() & 0o777, 0o600, "{file}{beside}");
        }
    }
}
