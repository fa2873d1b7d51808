//! A look at a database that leaves no trace: for the doctor, beside a running program.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use sea_orm::{FromQueryResult, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::open::{connect_error, not_a_database};
use crate::{Result, Secrets, Store, StoreError, StoreOptions, migrations, sql};

/// How the schema of a database stands to this program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Changes that were made.
    pub applied: Vec<String>,
    /// Changes that the next start of this program will make.
    pub missing: Vec<String>,
    /// Changes that a newer program has made.
    pub unknown: Vec<String>,
}

#[derive(FromQueryResult)]
struct Version {
    version: String,
}

#[derive(FromQueryResult)]
struct Word {
    word: String,
}

impl Store {
    /// Opens a database that is there, to read only: nothing is locked, made or brought up to date, and another program
    /// may run on it. The key is not compared: [`Store::key_belongs`] tells.
    pub async fn inspect(options: StoreOptions) -> Result<Self> {
        let secrets = Secrets::new(&options.key);
        let patience = Duration::from_secs(10);
        let db = if let Some(path) = options.url.strip_prefix("sqlite://") {
            let path = PathBuf::from(path.split('?').next().unwrap_or(path));
            if let Err(cause) = std::fs::metadata(&path) {
                return Err(StoreError::File {
                    path: path.display().to_string(),
                    cause,
                });
            }
            let connect = SqliteConnectOptions::new()
                .filename(&path)
                .read_only(true)
                .busy_timeout(patience);
            let pool = SqlitePoolOptions::new()
                .max_connections(1)
                .connect_with(connect)
                .await;
            SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.map_err(connect_error)?)
        } else if options.url.starts_with("postgres://") || options.url.starts_with("postgresql://") {
            let connect = PgConnectOptions::from_str(&options.url)
                .map_err(connect_error)?
                .options([("default_transaction_read_only", "on")]);
            say_why_not(&connect, patience).await?;
            let pool = PgPoolOptions::new()
                .max_connections(2)
                .acquire_timeout(patience)
                .connect_with(connect)
                .await
                .map_err(connect_error)?;
            SqlxPostgresConnector::from_sqlx_postgres_pool(pool)
        } else {
            return Err(not_a_database());
        };
        Ok(Self {
            db,
            clock: options.clock,
            secrets,
            queue: std::sync::Arc::default(),
            lease_clock: crate::LeaseClock::Own,
            writer: None,
            memory: crate::images::InMemory::default(),
            lock: std::sync::Arc::new(crate::lock::Lock::Reader),
        })
    }

    /// Whether the key is the one that this database was written with; also when nothing was written yet.
    pub async fn key_belongs(&self) -> Result<bool> {
        let stored = self.stored_key().await?;
        Ok(stored.is_none_or(|stored| stored == self.secrets().key_id()))
    }

    /// How the schema stands to this program.
    pub async fn schema(&self) -> Result<Schema> {
        let rows: Vec<Version> = sql::all(
            &self.db,
            "SELECT version FROM seaql_migrations ORDER BY version",
            vec![],
        )
        .await?;
        let applied: Vec<String> = rows.into_iter().map(|row| row.version).collect();
        let known = migrations::names();
        Ok(Schema {
            missing: known
                .iter()
                .filter(|name| !applied.contains(name))
                .cloned()
                .collect(),
            unknown: migrations::unknown(&applied),
            applied,
        })
    }

    /// What is broken in the file of an `SQLite` database, in its own words; `None` when nothing is, and on
    /// `PostgreSQL`, which watches over its files itself.
    pub async fn corruption(&self) -> Result<Option<String>> {
        if !self.is_sqlite() {
            return Ok(None);
        }
        let rows: Vec<Word> = sql::all(
            &self.db,
            "SELECT quick_check AS word FROM pragma_quick_check",
            vec![],
        )
        .await?;
        let words: Vec<String> = rows
            .into_iter()
            .map(|row| row.word)
            .filter(|word| word != "ok")
            .take(5)
            .collect();
        Ok((!words.is_empty()).then(|| words.join("; ")))
    }
}

/// Connects once and goes: a pool tries again until its time is over and then tells nothing but that.
async fn say_why_not(connect: &PgConnectOptions, patience: Duration) -> Result<()> {
    let connection = tokio::time::timeout(patience, connect.connect()).await;
    let silent = |_| sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
    let connection = connection.map_err(silent).flatten().map_err(connect_error)?;
    // What does not close is gone already.
    connection.close().await.ok();
    Ok(())
}
