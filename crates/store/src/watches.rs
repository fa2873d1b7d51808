//! Which program watches which server. Each server is watched by one; when that one dies, its lease ends and another
//! takes over.

use imagefleet_model::ServerId;
use sea_orm::FromQueryResult;

use crate::{Result, Store, sql};

/// A server that this program watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The server.
    pub server_id: ServerId,
    /// Changes whenever the way to the server changes: a watcher made for another generation has to begin anew.
    pub generation: i64,
}

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    generation: i64,
}

impl Store {
    /// Takes every enabled server that nobody watches, renews what `worker` watches, and returns all of its servers.
    pub async fn claim_watches(&self, worker: &str, lease_ms: i64) -> Result<Vec<Watch>> {
        let now = self.now_ms();
        let rows: Vec<Row> = self
            .write(async |tx| {
                sql::all(
                    tx,
                    "UPDATE servers SET watch_owner = $1, watch_until = $2
                     WHERE enabled = TRUE AND (watch_owner = $1 OR watch_until IS NULL OR watch_until < $3)
                     RETURNING id, generation",
                    vec![worker.into(), (now + lease_ms).into(), now.into()],
                )
                .await
            })
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| Watch {
                server_id: row.id,
                generation: row.generation,
            })
            .collect())
    }

    /// Gives back what `worker` watches, so that another can take it at once.
    pub async fn release_watches(&self, worker: &str) -> Result<()> {
        self.write(async |tx| {
            sql::run(
                tx,
                "UPDATE servers SET watch_owner = NULL, watch_until = NULL WHERE watch_owner = $1",
                vec![worker.into()],
            )
            .await
        })
        .await?;
        Ok(())
    }
}
