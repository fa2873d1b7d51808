//! What happens, told to every program that shares a `PostgreSQL`, the one that tells it among them.
//!
//! It is written into a table by the transaction that stores what it is about, and each program reads the table when it is notified. So
//! all hear the same in the same order, and what is stored is told, whatever becomes of a connection or of the program that
//! stored it. `SQLite` has one program: nothing is told there, and nobody hears.

use std::borrow::Cow;
use std::time::Duration;

use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::postgres::PgListener;
use tokio::time::Instant;

use crate::operations::take_turn;
use crate::{Announcement, Result, Store, StoredProgress, sql};

/// Where programs are notified that there is something to read.
const CHANNEL: &str = "imagefleet_news";
/// How soon a database that is away is asked again.
const PAUSE: Duration = Duration::from_millis(250);
/// How often the table is read without a notification: a connection may be dead without anybody being told.
const ANYWAY: Duration = Duration::from_secs(5);
/// For how long it is kept for programs that do not hear at the moment, in milliseconds.
const KEPT_MS: i64 = 2 * 60_000;
/// How often what is older is removed. What this program has heard since the last time is left: when the database was away, others
/// may not have heard it yet.
const SWEEP: Duration = Duration::from_mins(1);
/// Rows that are read together.
const TOGETHER: u32 = 256;
const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Steps are further than before.
    Progress(Vec<StoredProgress>),
    /// An operation has ended.
    Ended(Box<Announcement>),
    /// What is for the callers of the store to know.
    Other(Value),
}

/// The same as it is written.
#[derive(Serialize, Deserialize)]
enum Told<'a> {
    Progress(Cow<'a, [StoredProgress]>),
    Ended {
        end: Box<Cow<'a, Announcement>>,
        /// An operation as people read it is without.
        also: Cow<'a, [(i64, String)]>,
    },
    Other(Cow<'a, Value>),
}

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    told: String,
}

/// Tells that steps are further. Whoever tells has [taken the turn](take_turn): what is told is read in the order of its numbers.
pub async fn tell_progress(tx: &impl ConnectionTrait, stored: &[StoredProgress]) -> Result<()> {
    if stored.is_empty() {
        return Ok(());
    }
    tell(tx, &Told::Progress(Cow::Borrowed(stored))).await
}

/// Tells that an operation has ended; in turn, too.
pub async fn tell_end(tx: &impl ConnectionTrait, end: &Announcement) -> Result<()> {
    let told = Told::Ended {
        end: Box::new(Cow::Borrowed(end)),
        also: Cow::Borrowed(&end.operation.also),
    };
    tell(tx, &told).await
}

async fn tell(tx: &impl ConnectionTrait, told: &Told<'_>) -> Result<()> {
    if tx.get_database_backend() == sea_orm::DatabaseBackend::Sqlite {
        return Ok(());
    }
    let insert = format!("INSERT INTO news (told, at) VALUES ($1, {NOW})");
    sql::run(tx, &insert, vec![sql::json(told)?.into()]).await?;
    sql::run(tx, "SELECT pg_notify($1, '')", vec![CHANNEL.into()]).await?;
    Ok(())
}

impl Store {
    /// Whether other programs may share it: what is stored is told to all of them then, this one among them.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        !self.is_sqlite()
    }

    /// Tells all programs what only the callers of the store understand.
    pub async fn tell(&self, others: &[Value]) -> Result<()> {
        self.write(async |tx| {
            take_turn(tx).await?;
            for other in others {
                tell(tx, &Told::Other(Cow::Borrowed(other))).await?;
            }
            Ok(())
        })
        .await
    }

    /// Hears what is told from now on; `None` of a store that is not shared.
    pub async fn hear(&self) -> Result<Option<Hearing>> {
        if !self.is_shared() {
            return Ok(None);
        }
        let last = sql::number(&self.db, "SELECT COALESCE(MAX(id), 0) FROM news", vec![]).await?;
        Ok(Some(Hearing {
            store: self.clone(),
            listener: None,
            last,
            swept: (Instant::now(), last),
        }))
    }
}

/// What one program has heard so far.
#[derive(Debug)]
pub struct Hearing {
    store: Store,
    listener: Option<PgListener>,
    /// The number of what was heard last.
    last: i64,
    /// When it removed what is old, and what it had heard by then.
    swept: (Instant, i64),
}

impl Hearing {
    /// Waits until there is more, and reads it. Ends with the store only.
    pub async fn next(&mut self) -> Option<Vec<News>> {
        loop {
            if self.listener.is_none() {
                match self.listen().await {
                    Ok(listener) => self.listener = Some(listener),
                    Err(sqlx::Error::PoolClosed) => return None,
                    Err(error) => {
                        tracing::debug!(%error, "the database does not let listen yet");
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                }
            }
            // Before it waits: something may have been told while nobody listened.
            match self.rest().await {
                Ok(news) if !news.is_empty() => return Some(news),
                Ok(_) => self.wait().await,
                Err(error) => {
                    tracing::warn!(%error, "what programs tell cannot be read: trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// What has been told and not been heard yet; some of it, when that is much.
    pub async fn rest(&mut self) -> Result<Vec<News>> {
        let (swept, heard) = self.swept;
        if swept.elapsed() >= SWEEP {
            let old = format!("DELETE FROM news WHERE id <= $1 AND at < {NOW} - {KEPT_MS}");
            sql::run(&self.store.db, &old, vec![heard.into()]).await?;
            self.swept = (Instant::now(), self.last);
        }
        let query = format!("SELECT id, told FROM news WHERE id > $1 ORDER BY id LIMIT {TOGETHER}");
        let rows: Vec<Row> = sql::all(&self.store.db, &query, vec![self.last.into()]).await?;
        if let Some(row) = rows.last() {
            self.last = row.id;
        }
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn listen(&self) -> std::result::Result<PgListener, sqlx::Error> {
        let pool = self.store.db.get_postgres_connection_pool();
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }

    async fn wait(&mut self) {
        let Some(listener) = &mut self.listener else {
            return;
        };
        match tokio::time::timeout(ANYWAY, listener.try_recv()).await {
            // Without a notification its connection was lost, and it listens again.
            Ok(Ok(_)) | Err(_) => {}
            // Whatever it says: it does not always listen again by itself.
            Ok(Err(error)) => {
                tracing::debug!(%error, "what programs tell is not heard: listening again");
                self.listener = None;
            }
        }
    }
}

/// `None` of what another version of the program has written, and this one does not understand.
fn read(row: &Row) -> Option<News> {
    match serde_json::from_str(&row.told) {
        Ok(Told::Progress(stored)) => Some(News::Progress(stored.into_owned())),
        Ok(Told::Ended { end, also }) => {
            let mut end = end.into_owned();
            end.operation.also = also.into_owned();
            Some(News::Ended(Box::new(end)))
        }
        Ok(Told::Other(other)) => Some(News::Other(other.into_owned())),
        Err(error) => {
            tracing::error!(%error, "what another program tells cannot be understood");
            None
        }
    }
}
