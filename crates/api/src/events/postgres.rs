//! What programs on one `PostgreSQL` tell each other: live events, and that rights have changed.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, unfold};
use socketioxide_postgres::drivers::Driver;
use socketioxide_postgres::drivers::sqlx::SqlxDriver;
use socketioxide_postgres::drivers::sqlx::sqlx_client::postgres::{PgListener, PgNotification};
use socketioxide_postgres::drivers::sqlx::sqlx_client::{Error, PgPool, query};
use uuid::Uuid;

use crate::AppState;

/// How soon a database that is away is asked again.
const PAUSE: Duration = Duration::from_millis(250);
/// Where programs tell each other that rights have changed.
const RIGHTS: &str = "imagefleet_rights";

/// The library's own driver, but that it listens again whatever ended its connection: the other one is deaf for good when the database
/// says why it ends it, as it does when it is shut down.
#[derive(Debug, Clone)]
pub struct LastingDriver {
    pool: PgPool,
    inner: SqlxDriver,
}

impl LastingDriver {
    /// On the program's own connections.
    pub fn new(pool: PgPool) -> Self {
        Self {
            inner: SqlxDriver::new(pool.clone()),
            pool,
        }
    }
}

impl Driver for LastingDriver {
    type Error = Error;
    type Notification = PgNotification;
    type NotificationStream = BoxStream<'static, PgNotification>;

    async fn init(&self, table: &str) -> Result<(), Error> {
        self.inner.init(table).await
    }

    async fn listen(&self, channels: &[&str]) -> Result<Self::NotificationStream, Error> {
        let channels: Vec<_> = channels.iter().map(|channel| (*channel).to_owned()).collect();
        let first = connect(&self.pool, &channels).await?;
        let heard = listen(self.pool.clone(), channels, Some(first));
        Ok(heard.filter_map(async |heard| heard).boxed())
    }

    async fn notify(&self, channel: &str, message: &str) -> Result<(), Error> {
        self.inner.notify(channel, message).await
    }

    async fn push_attachment(&self, table: &str, attachment: &[u8]) -> Result<i64, Error> {
        self.inner.push_attachment(table, attachment).await
    }

    async fn get_attachment(&self, table: &str, id: i64) -> Result<Vec<u8>, Error> {
        self.inner.get_attachment(table, id).await
    }

    async fn cleanup_attachments(&self, table: &str, interval: Duration) -> Result<(), Error> {
        self.inner.cleanup_attachments(table, interval).await
    }

    async fn close(&self, channels: &[&str]) -> Result<(), Error> {
        self.inner.close(channels).await
    }
}

/// Tells the other programs whenever rights have changed here, and has rights looked at when another one tells so.
pub async fn share_rights(state: AppState, pool: PgPool) {
    // What this one tells it has looked at already.
    let own = Uuid::now_v7().to_string();
    let tell = async {
        loop {
            state.live.rights_to_tell.notified().await;
            let told = query("SELECT pg_notify($1, $2)").bind(RIGHTS).bind(&own);
            if let Err(error) = told.execute(&pool).await {
                // They look by themselves from time to time.
                tracing::warn!(%error, "the other programs could not be told that rights have changed");
            }
        }
    };
    let hear = async {
        let mut heard = listen(pool.clone(), vec![RIGHTS.to_owned()], None);
        while let Some(told) = heard.next().await {
            // What was told while nobody listened has to be seen too.
            if told.is_none_or(|told| told.payload() != own) {
                state.live.recheck.notify_one();
            }
        }
    };
    tokio::join!(tell, hear);
}

/// What is told on some channels, and nothing for a time in which nobody listened. Ends with the program's connections only.
fn listen(
    pool: PgPool,
    channels: Vec<String>,
    first: Option<PgListener>,
) -> BoxStream<'static, Option<PgNotification>> {
    unfold((pool, channels, first), |(pool, channels, listener)| async {
        let Some(mut listener) = listener else {
            let listener = again(&pool, &channels).await?;
            return Some((None, (pool, channels, Some(listener))));
        };
        match listener.try_recv().await {
            Ok(Some(told)) => Some((Some(told), (pool, channels, Some(listener)))),
            // It listens again by itself.
            Ok(None) => Some((None, (pool, channels, Some(listener)))),
            Err(Error::PoolClosed) => None,
            Err(error) => {
                tracing::warn!(%error, "what other programs tell is not heard: listening again");
                Some((None, (pool, channels, None)))
            }
        }
    })
    .boxed()
}

async fn again(pool: &PgPool, channels: &[String]) -> Option<PgListener> {
    loop {
        match connect(pool, channels).await {
            Ok(listener) => return Some(listener),
            Err(Error::PoolClosed) => return None,
            Err(error) => tracing::debug!(%error, "the database does not let listen yet"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn connect(pool: &PgPool, channels: &[String]) -> Result<PgListener, Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen_all(channels.iter().map(String::as_str)).await?;
    Ok(listener)
}
