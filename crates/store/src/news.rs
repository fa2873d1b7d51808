//! What happens, told to every program that shares a `PostgreSQL`, the one that tells it among them.
//!
//! It is written into a table, and each program reads the table when it is notified: all hear the same in the same order, whatever
//! becomes of their connections. Progress and ends are written by the transaction that numbers them, so that what is stored is told even if the
//! program dies that stored it. `SQLite` has one program: nothing is told there, and nobody hears.

use std::borrow::Cow;
use std::time::Duration;

use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::postgres::{PgListener, PgPool};
use tokio::time::Instant;

use crate::lease::DATABASE_NOW;
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
        /// The operation's own, which it does not show when it is written.
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
    tell(tx, &[Told::Progress(Cow::Borrowed(stored))]).await
}

/// Tells that an operation has ended; in turn, too.
pub async fn tell_end(tx: &impl ConnectionTrait, end: &Announcement) -> Result<()> {
    let told = Told::Ended {
        end: Box::new(Cow::Borrowed(end)),
        also: Cow::Borrowed(&end.operation.also),
    };
    tell(tx, &[told]).await
}

async fn tell(tx: &impl ConnectionTrait, news: &[Told<'_>]) -> Result<()> {
    if tx.get_database_backend() == sea_orm::DatabaseBackend::Sqlite {
        return Ok(());
    }
    for chunk in sql::chunks(news) {
        let rows: Vec<String> = (1..=chunk.len())
            .map(|number| format!("(${number}, {DATABASE_NOW})"))
            .collect();
        let insert = format!("INSERT INTO news (told, at) VALUES {}", rows.join(", "));
        let told = chunk.iter().map(|told| Ok(sql::json(told)?.into()));
        sql::run(tx, &insert, told.collect::<Result<_>>()?).await?;
    }
    sql::run(tx, "SELECT pg_notify($1, '')", vec![CHANNEL.into()]).await?;
    Ok(())
}

impl Store {
    /// Tells all programs what only the callers of the store understand.
    pub async fn tell(&self, others: &[Value]) -> Result<()> {
        self.write(async |tx| {
            take_turn(tx).await?;
            let news: Vec<_> = others
                .iter()
                .map(|other| Told::Other(Cow::Borrowed(other)))
                .collect();
            tell(tx, &news).await
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
        let mut notified = true;
        loop {
            if self.pool().is_closed() {
                return None;
            }
            // Before it reads: what is told from then on is notified.
            if self.listener.is_none() {
                self.listener = self.listen().await;
            }
            match self.rest().await {
                Ok(news) if !news.is_empty() => {
                    if !notified {
                        tracing::debug!("what programs tell was not notified: listening again");
                        self.listener = None;
                    }
                    return Some(news);
                }
                Ok(_) => notified = self.wait().await,
                Err(error) => {
                    tracing::warn!(%error, "what programs tell cannot be read: trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// What has been told and not been heard yet; some of it, when that is much.
    pub async fn rest(&mut self) -> Result<Vec<News>> {
        self.sweep().await?;
        let query = format!("SELECT id, told FROM news WHERE id > $1 ORDER BY id LIMIT {TOGETHER}");
        loop {
            let rows: Vec<Row> = sql::all(&self.store.db, &query, vec![self.last.into()]).await?;
            let Some(last) = rows.last() else {
                return Ok(Vec::new());
            };
            self.last = last.id;
            let news: Vec<News> = rows.iter().filter_map(read).collect();
            if !news.is_empty() {
                return Ok(news);
            }
        }
    }

    /// Removes what is old, from time to time.
    async fn sweep(&mut self) -> Result<()> {
        let (swept, heard) = self.swept;
        if swept.elapsed() >= SWEEP {
            let old = format!("DELETE FROM news WHERE id <= $1 AND at < {DATABASE_NOW} - {KEPT_MS}");
            sql::run(&self.store.db, &old, vec![heard.into()]).await?;
            self.swept = (Instant::now(), self.last);
        }
        Ok(())
    }

    fn pool(&self) -> &PgPool {
        self.store.db.get_postgres_connection_pool()
    }

    /// `None` while the database does not let it.
    async fn listen(&self) -> Option<PgListener> {
        let listening = async {
            let mut listener = PgListener::connect_with(self.pool()).await?;
            // It would listen again after something has been read that was told before.
            listener.eager_reconnect(false);
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        match listening.await {
            Ok(listener) => Some(listener),
            Err(error) => {
                tracing::warn!(%error, "the database does not let listen: what programs tell is read from time to time");
                None
            }
        }
    }

    /// Until there is something to read, perhaps. `false` when that would have been notified, and was not.
    async fn wait(&mut self) -> bool {
        let Some(listener) = &mut self.listener else {
            tokio::time::sleep(PAUSE).await;
            return true;
        };
        match tokio::time::timeout(ANYWAY, listener.try_recv()).await {
            Ok(Ok(Some(_))) => true,
            // Its connection is gone. Whatever it says, and whether it would listen again by itself: it is made anew.
            Ok(Ok(None) | Err(_)) => {
                self.listener = None;
                true
            }
            Err(_) => false,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use imagefleet_model::{
        ErrorCode, Failure, LayerProgress, OperationKind, Status, Step, WaitingCode, WaitingFor,
    };
    use serde_json::json;
    use tokio::time::Instant;

    use super::{ANYWAY, Cow, News, PgListener, Row, SWEEP, StoredProgress, Told, read};
    use crate::{sql, testing};

    #[test]
    fn a_step_is_heard_with_all_that_it_tells() {
        let now = chrono::DateTime::from_timestamp_millis(1_700_000_000_123).expect("a time");
        let step = Step {
            id: 1,
            server_id: 2,
            server_name: "two".to_owned(),
            image_id: Some(3),
            repository: Some("team/app".to_owned()),
            tag: Some("1".to_owned()),
            status: Status::Queued,
            progress: 40,
            message: "waits".to_owned(),
            waiting_for: Some(WaitingFor {
                code: WaitingCode::ServerBusy,
                message: "waits for another".to_owned(),
                operation_id: Some("other".to_owned()),
                title: Some("Pull secret/app".to_owned()),
                until: Some(now),
                subject: None,
            }),
            bytes_done: 5,
            bytes_total: Some(6),
            bytes_per_second: Some(7),
            layers: vec![LayerProgress {
                id: "abc".to_owned(),
                status: "downloading".to_owned(),
                bytes_done: 1,
                bytes_total: Some(2),
            }],
            started_at: Some(now),
            finished_at: None,
            error: Some(Failure::new(ErrorCode::EngineError, "it says so").info()),
            result: Some(json!({"x": 1})),
        };
        let told = StoredProgress {
            operation_id: "o".to_owned(),
            kind: OperationKind::CopyImage,
            title: "Copy".to_owned(),
            also: vec![(9, "team/source".to_owned())],
            step,
            seq: 8,
            at: now,
        };
        let row = Row {
            id: 1,
            told: sql::json(&Told::Progress(Cow::Borrowed(std::slice::from_ref(&told)))).expect("written"),
        };
        assert_eq!(read(&row), Some(News::Progress(vec![told])));
    }

    #[tokio::test]
    async fn what_nobody_understands_stops_nobody() {
        let Some(at) = testing::shared().await else { return };
        let mut hearing = at.store.hear().await.expect("read").expect("shared");
        let odd = "INSERT INTO news (told, at) SELECT '{\"Later\": 1}', 0 FROM generate_series(1, 600)";
        sql::run(&at.store.db, odd, vec![]).await.expect("written");
        at.store.tell(&[json!(1)]).await.expect("told");
        assert_eq!(hearing.rest().await.expect("read"), [News::Other(json!(1))]);
    }

    #[tokio::test]
    async fn what_is_old_and_was_heard_by_the_sweep_before_is_removed() {
        let Some(at) = testing::shared().await else { return };
        let left = async || {
            let count = "SELECT COUNT(*) FROM news";
            sql::number(&at.store.db, count, vec![]).await.expect("counted")
        };
        let mut hearing = at.store.hear().await.expect("read").expect("shared");
        let long_ago = || Instant::now().checked_sub(SWEEP).expect("a while ago");
        at.store.tell(&[json!(1), json!(2)]).await.expect("told");
        let age = "UPDATE news SET at = 0";
        sql::run(&at.store.db, age, vec![]).await.expect("aged");
        at.store.tell(&[json!(3)]).await.expect("told");
        hearing.swept.0 = long_ago();
        assert_eq!(hearing.rest().await.expect("read").len(), 3);
        assert_eq!(left().await, 3, "others may not have heard it");
        hearing.swept.0 = long_ago();
        assert!(hearing.rest().await.expect("read").is_empty());
        assert_eq!(left().await, 3, "it had not been heard by the sweep before");
        hearing.swept.0 = long_ago();
        assert!(hearing.rest().await.expect("read").is_empty());
        assert_eq!(left().await, 1, "what is not old stays");
    }

    #[tokio::test]
    async fn a_connection_that_hears_nothing_is_made_anew() {
        let Some(at) = testing::shared().await else { return };
        let mut hearing = at.store.hear().await.expect("read").expect("shared");
        hearing.listener = Some(PgListener::connect_with(hearing.pool()).await.expect("connected"));
        let tell = async |number: u8| {
            // When it waits.
            tokio::time::sleep(Duration::from_secs(1)).await;
            at.store.tell(&[json!(number)]).await.expect("told");
        };
        let (heard, ()) = tokio::join!(hearing.next(), tell(1));
        assert_eq!(heard, Some(vec![News::Other(json!(1))]));
        let began = Instant::now();
        let (heard, ()) = tokio::join!(hearing.next(), tell(2));
        assert_eq!(heard, Some(vec![News::Other(json!(2))]));
        assert!(began.elapsed() < ANYWAY, "it is notified");
    }

    #[tokio::test]
    async fn hearing_ends_with_the_store() {
        let Some(at) = testing::shared().await else { return };
        let mut hearing = at.store.hear().await.expect("read").expect("shared");
        let (ended, ()) = tokio::join!(hearing.next(), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            at.store.clone().close().await;
        });
        assert_eq!(ended, None);
    }
}
