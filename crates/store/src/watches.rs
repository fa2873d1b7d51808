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
    /// Changes whenever the way to the server changes: a watcher made for another text has to begin anew.
    pub way: String,
}

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    endpoint: String,
    tls_secret: Option<String>,
    ssh_secret: Option<String>,
    ssh_host_key: Option<String>,
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
                     RETURNING id, endpoint, tls_secret, ssh_secret, ssh_host_key",
                    vec![worker.into(), (now + lease_ms).into(), now.into()],
                )
                .await
            })
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| Watch {
                server_id: row.id,
                way: [
                    Some(row.endpoint),
                    row.tls_secret,
                    row.ssh_secret,
                    row.ssh_host_key,
                ]
                .map(Option::unwrap_or_default)
                .join("\n"),
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

    /// These servers have just answered.
    pub async fn servers_seen(&self, servers: &[ServerId]) -> Result<()> {
        if servers.is_empty() {
            return Ok(());
        }
        let mut values = vec![self.now_ms().into()];
        values.extend(servers.iter().map(|id| (*id).into()));
        let sql_text = format!(
            "UPDATE servers SET last_seen_at = $1 WHERE id IN ({})",
            sql::placeholders(1, servers.len())
        );
        self.write(async |tx| sql::run(tx, &sql_text, values).await)
            .await?;
        Ok(())
    }
}
