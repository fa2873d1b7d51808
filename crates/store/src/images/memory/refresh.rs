use std::collections::HashMap;
use std::sync::Arc;

use imagefleet_model::{ImageStatus, ServerId};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, FromQueryResult, IsolationLevel, TransactionOptions,
    TransactionTrait as _,
};

use super::held::{Contents, Exception, Held};
use super::references::{References, Row, columns};
use super::{Changed, InMemory, Servers, Unknown};
use crate::images::filter::words;
use crate::inventory::{REMEMBERED, latest_change};
use crate::{Result, Store, StoreError, sql};

/// How many servers are read in one go: their texts are in memory then.
const SERVERS_AT_ONCE: usize = 32;
/// How many references are read in one go.
const REFERENCES_AT_ONCE: usize = 8_192;

impl Store {
    /// Reads what has changed since the last look, and what these servers hold. Whoever calls has the turn.
    pub(super) async fn refresh(&self, servers: &Servers) -> Result<()> {
        let at = self.moment().await?;
        let number = latest_change(&at).await?;
        let before = self.memory.read().number;
        if before != Some(number) {
            let there = server_changes(&at).await?;
            // A number that fell is another database.
            let near = before.filter(|before| (0..=REMEMBERED).contains(&(number - before)));
            if let Some(before) = near {
                let changed = references_changed(&at, before).await?;
                let gone = references_gone(&at, before).await?;
                let mut known = self.memory.write();
                known.references.apply(changed, &gone);
                known.set_servers(there);
                known.number = Some(number);
            } else {
                let references = every_reference(&at).await?;
                let mut known = self.memory.write();
                known.servers.clear();
                known.references = references;
                known.set_servers(there);
                known.number = Some(number);
            }
        }
        let unknown = self.memory.read().unknown(servers);
        for some in unknown.chunks(SERVERS_AT_ONCE) {
            let held = held(&at, &self.memory, some).await?;
            let mut known = self.memory.write();
            for (server, changed, held) in held {
                if let Some(on_server) = known.servers.get_mut(&server) {
                    on_server.held = Some((changed, held));
                }
            }
        }
        at.commit().await?;
        Ok(())
    }

    /// A transaction that sees one moment, whatever others write meanwhile.
    async fn moment(&self) -> Result<DatabaseTransaction> {
        // Of itself, a transaction of SQLite does.
        let options = if self.is_sqlite() {
            TransactionOptions::default()
        } else {
            TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            }
        };
        Ok(self.db.begin_with_options(options).await?)
    }
}

async fn server_changes(at: &impl ConnectionTrait) -> Result<Vec<(ServerId, Changed)>> {
    let rows: Vec<(ServerId, i64, i64)> =
        sql::many(at, "id, images_changed, contents_changed", "servers", vec![]).await?;
    Ok(rows
        .into_iter()
        .map(|(server, images, contents)| (server, Changed { images, contents }))
        .collect())
}

async fn references_changed(at: &impl ConnectionTrait, since: i64) -> Result<Vec<Row>> {
    sql::many(
        at,
        &columns(),
        "image_references WHERE changed > $1",
        vec![since.into()],
    )
    .await
}

async fn references_gone(at: &impl ConnectionTrait, since: i64) -> Result<Vec<i64>> {
    let rows: Vec<(i64,)> = sql::many(
        at,
        "id",
        "image_references_gone WHERE changed > $1",
        vec![since.into()],
    )
    .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

async fn every_reference(at: &impl ConnectionTrait) -> Result<References> {
    let columns = columns();
    let mut all: Vec<Row> = Vec::new();
    loop {
        let after = all.last().map_or(0, Row::id);
        let from = format!(
            "(SELECT {columns} FROM image_references WHERE id > $1 ORDER BY id LIMIT {REFERENCES_AT_ONCE}) AS r"
        );
        let mut rows: Vec<Row> = sql::many(at, &columns, &from, vec![after.into()]).await?;
        let more = rows.len() == REFERENCES_AT_ONCE;
        rows.sort_unstable_by_key(Row::id);
        all.append(&mut rows);
        if !more {
            break;
        }
    }
    aside(move || {
        let mut references = References::default();
        references.apply(all, &[]);
        references
    })
    .await
}

/// What servers hold, of which that is not known.
async fn held(
    at: &impl ConnectionTrait,
    memory: &InMemory,
    unknown: &[Unknown],
) -> Result<Vec<(ServerId, Changed, Held)>> {
    #[derive(FromQueryResult)]
    struct Texts {
        server_id: i64,
        reference_ids: String,
        contents: String,
    }
    let servers: Vec<ServerId> = unknown.iter().map(|server| server.server_id).collect();
    let anew: Vec<ServerId> = unknown
        .iter()
        .filter(|server| server.contents.is_none())
        .map(|server| server.server_id)
        .collect();
    let texts = format!(
        "SELECT server_id, reference_ids, contents FROM server_inventories WHERE server_id IN ({})",
        sql::numbers(&anew)
    );
    let texts: Vec<Texts> = sql::all(at, &texts, vec![]).await?;
    let exceptions = exceptions(at, &servers).await?;
    let unknown: Vec<(ServerId, Changed, Option<Arc<Contents>>)> = unknown
        .iter()
        .map(|server| (server.server_id, server.changed, server.contents.clone()))
        .collect();
    let memory = memory.clone();
    aside(move || {
        let known = memory.read();
        let mut read: HashMap<ServerId, Contents> = texts
            .iter()
            .map(|texts| {
                let contents = Contents::read(&known.references, &texts.reference_ids, &texts.contents);
                (texts.server_id, contents)
            })
            .collect();
        let held = unknown.into_iter().map(|(server, changed, contents)| {
            let contents = contents.unwrap_or_else(|| Arc::new(read.remove(&server).unwrap_or_default()));
            let exceptions = exceptions.get(&server).map(Vec::as_slice).unwrap_or_default();
            (
                server,
                changed,
                Held::new(&known.references, contents, exceptions),
            )
        });
        held.collect()
    })
    .await
}

/// Images of these servers that are used, or not simply available.
async fn exceptions(
    at: &impl ConnectionTrait,
    servers: &[ServerId],
) -> Result<HashMap<ServerId, Vec<Exception>>> {
    let servers = sql::numbers(servers);
    let others: Vec<ImageStatus> = ImageStatus::ALL
        .iter()
        .copied()
        .filter(|status| *status != ImageStatus::Available)
        .collect();
    // In the words of the two indexes that know these alone.
    let from = format!(
        "(SELECT server_id, reference_id, status, in_use FROM images WHERE in_use AND server_id IN ({servers}) UNION \
         SELECT server_id, reference_id, status, in_use FROM images WHERE status <> 'AVAILABLE' \
         AND status IN ({}) AND server_id IN ({servers})) AS e",
        words(&others)
    );
    let columns = "server_id, reference_id, status, CAST(in_use AS INTEGER)";
    let rows: Vec<(ServerId, i64, String, i64)> = sql::many(at, columns, &from, vec![]).await?;
    let mut exceptions: HashMap<ServerId, Vec<Exception>> = HashMap::new();
    for (server, reference, status, in_use) in rows {
        let status = ImageStatus::from_word(&status).unwrap_or(ImageStatus::Available);
        exceptions
            .entry(server)
            .or_default()
            .push((reference, status, in_use != 0));
    }
    Ok(exceptions)
}

/// Runs what takes a while where nobody waits for it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StoreError::Unreadable(format!("the inventory: {error}")))
}
