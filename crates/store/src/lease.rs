use sea_orm::ConnectionTrait;

use crate::{Result, Store, sql};

/// The present moment to `PostgreSQL`, in milliseconds since 1970. Not `now()`: that is when the transaction began, before it waited for
/// its turn.
pub const DATABASE_NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// Whose clock says when a lease is over. Programs that share a database may each have another idea of the time, and one
/// whose clock is ahead would take from the others what they are still at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseClock {
    /// The store's own: for the one program on `SQLite`, and for tests that turn it by hand.
    Own,
    /// The database's, the same for every program.
    Database,
}

impl Store {
    /// The same store with its leases counted by this clock.
    #[must_use]
    pub fn with_lease_clock(mut self, clock: LeaseClock) -> Self {
        self.lease_clock = clock;
        self
    }

    /// The present moment to leases, in milliseconds since 1970.
    pub(crate) async fn lease_now(&self, db: &impl ConnectionTrait) -> Result<i64> {
        match self.lease_clock {
            LeaseClock::Own => Ok(self.now_ms()),
            LeaseClock::Database => sql::number(db, &format!("SELECT {DATABASE_NOW}"), vec![]).await,
        }
    }
}
