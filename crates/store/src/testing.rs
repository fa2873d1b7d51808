//! Fresh databases for tests: `SQLite` always, `PostgreSQL` too when `IMAGEFLEET_LAB_POSTGRES` names a server.

use std::sync::Arc;
use std::time::Duration;

use imagefleet_model::ManualClock;
use sea_orm::ConnectionTrait as _;
use sqlx::Connection as _;

use crate::{LeaseClock, SecretKey, Store, StoreOptions};

/// A store on an empty database, with a clock that the test turns.
#[derive(Debug)]
pub struct TestStore {
    /// The store.
    pub store: Store,
    /// Its clock; it starts at a fixed moment.
    pub clock: ManualClock,
    /// The database's URL, to open it once more.
    pub url: String,
    /// The folder goes with the test.
    _folder: Option<tempfile::TempDir>,
}

/// An empty store on `PostgreSQL`, when one is at hand: for what only several programs can show.
///
/// # Panics
/// When it has to be there and is not.
pub async fn shared() -> Option<TestStore> {
    let mut stores = stores().await;
    stores.pop().filter(|at| !at.store.is_sqlite())
}

/// One empty store for each database at hand.
///
/// # Panics
/// When a database cannot be made: the test cannot run.
pub async fn stores() -> Vec<TestStore> {
    let mut stores = vec![sqlite().await];
    if let Ok(server) = std::env::var("IMAGEFLEET_LAB_POSTGRES") {
        stores.push(postgres(&server).await);
    } else {
        assert!(
            std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
            "IMAGEFLEET_LAB_REQUIRED is set, but IMAGEFLEET_LAB_POSTGRES is not"
        );
    }
    stores
}

/// An empty store on `SQLite`.
///
/// # Panics
/// When it cannot be made.
pub async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    open(url, Some(folder)).await
}

async fn postgres(server: &str) -> TestStore {
    let name = format!("test_{:016x}", rand::random::<u64>());
    let mut connection = sqlx::PgConnection::connect(server)
        .await
        .expect("PostgreSQL answers");
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .expect("a database for the test");
    let base = server.rsplit_once('/').map_or(server, |(base, _)| base);
    open(format!("{base}/{name}"), None).await
}

async fn opened(url: &str, clock: &ManualClock) -> Store {
    let options = StoreOptions {
        url: url.to_owned(),
        key: SecretKey::from_bytes([7; 32]),
        clock: Arc::new(clock.clone()),
    };
    let store = Store::open(options).await.expect("the store opens");
    store.with_lease_clock(LeaseClock::Own)
}

async fn open(url: String, folder: Option<tempfile::TempDir>) -> TestStore {
    let start = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
    let clock = ManualClock::new(start);
    let store = opened(&url, &clock).await;
    TestStore {
        store,
        clock,
        url,
        _folder: folder,
    }
}

impl TestStore {
    /// The same database once more, as another program has it; only `PostgreSQL` takes that.
    ///
    /// # Panics
    /// When it does not open.
    pub async fn again(&self) -> Self {
        let store = opened(&self.url, &self.clock).await;
        Self {
            store,
            clock: self.clock.clone(),
            url: self.url.clone(),
            _folder: None,
        }
    }

    /// Ends every connection to the database, as a restart of `PostgreSQL` does; nothing happens on `SQLite`.
    ///
    /// # Panics
    /// When that fails.
    pub async fn lose_connections(&self) {
        if !self.store.is_sqlite() {
            self.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await;
        }
    }

    /// From now on `PostgreSQL` passes no notification on and says so, until [`let_notifications_pass`](Self::let_notifications_pass).
    ///
    /// # Panics
    /// On `SQLite`.
    pub async fn refuse_notifications(&self) {
        self.run(
            "CREATE SCHEMA before;
             CREATE FUNCTION before.pg_notify(text, text) RETURNS void LANGUAGE plpgsql
             AS $$ BEGIN RAISE 'no notification'; END $$;
             DO $$ BEGIN
               EXECUTE format('ALTER DATABASE %I SET search_path = before, public, pg_catalog', current_database());
             END $$;",
        )
        .await;
        // A connection keeps the path that it began with.
        self.lose_connections().await;
    }

    /// `PostgreSQL` passes notifications on again.
    ///
    /// # Panics
    /// When that fails.
    pub async fn let_notifications_pass(&self) {
        self.run("DROP FUNCTION before.pg_notify(text, text)").await;
    }

    /// From now on the database fails whoever asks for a session, until [`give_sessions_back`](Self::give_sessions_back).
    ///
    /// # Panics
    /// When that fails.
    pub async fn take_sessions_away(&self) {
        self.on_either("ALTER TABLE sessions RENAME TO sessions_away")
            .await;
    }

    /// Sessions are there again.
    ///
    /// # Panics
    /// When that fails.
    pub async fn give_sessions_back(&self) {
        self.on_either("ALTER TABLE sessions_away RENAME TO sessions")
            .await;
    }

    async fn on_either(&self, statement: &str) {
        self.store
            .db
            .execute_unprepared(statement)
            .await
            .expect("it is done");
    }

    /// Statements for `PostgreSQL`, through a connection of their own.
    async fn run(&self, statements: &'static str) {
        let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("it answers");
        sqlx::raw_sql(statements)
            .execute(&mut connection)
            .await
            .expect("it is done");
    }

    /// Turns the clock forward by so many seconds.
    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Every row of every table of a `PostgreSQL` database as text: what somebody finds who copies it.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn dump(&self) -> String {
        let mut connection = sqlx::PgConnection::connect(&self.url)
            .await
            .expect("PostgreSQL answers");
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
        )
        .fetch_all(&mut connection)
        .await
        .expect("tables");
        let mut rows = Vec::new();
        for table in tables {
            let sql = sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
            let read: Vec<String> = sqlx::query_scalar(sql)
                .fetch_all(&mut connection)
                .await
                .expect("rows");
            rows.extend(read);
        }
        rows.join("\n")
    }
}
