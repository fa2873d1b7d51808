//! What each server holds (`server_inventories`), kept in memory as numbers. A search over the groups by server is laid
//! over all of it; reading a million numbers out of text takes longer than everything else together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imagefleet_model::ServerId;
use sea_orm::FromQueryResult;

use crate::{Result, Store, sql};

/// How many servers are read anew in one go: their texts are in memory then.
const AT_ONCE: usize = 32;

/// What one server holds: beside each reference its content, of which equal ones have equal numbers, and its bytes.
#[derive(Debug, Default)]
pub struct Held {
    version: i64,
    /// Ids of references.
    pub references: Vec<u32>,
    /// Content and bytes of each.
    pub contents: Vec<(u32, i64)>,
}

/// The servers that were asked about; about 20 bytes an image.
#[derive(Debug, Clone, Default)]
pub struct HeldInMemory(Arc<Mutex<HashMap<ServerId, Arc<Held>>>>);

#[derive(FromQueryResult)]
struct Version {
    server_id: i64,
    version: i64,
}

#[derive(FromQueryResult)]
struct Texts {
    server_id: i64,
    version: i64,
    reference_ids: String,
    contents: String,
}

impl Store {
    /// What these servers hold, or all when none are named, in the order of their names.
    pub(super) async fn held(&self, servers: &[ServerId]) -> Result<Vec<(ServerId, Arc<Held>)>> {
        let among = if servers.is_empty() {
            String::new()
        } else {
            format!("WHERE s.id IN ({})", sql::numbers(servers))
        };
        let query = format!(
            "SELECT h.server_id, h.version FROM server_inventories h JOIN servers s ON s.id = h.server_id \
             {among} ORDER BY s.name"
        );
        let versions: Vec<Version> = sql::all(&self.db, &query, vec![]).await?;
        let stale: Vec<i64> = {
            let mut known = self.held.lock();
            if servers.is_empty() {
                let there: std::collections::HashSet<i64> =
                    versions.iter().map(|version| version.server_id).collect();
                known.retain(|server, _| there.contains(server));
            }
            let is_stale = |version: &&Version| {
                known
                    .get(&version.server_id)
                    .is_none_or(|held| held.version != version.version)
            };
            versions
                .iter()
                .filter(is_stale)
                .map(|version| version.server_id)
                .collect()
        };
        for chunk in stale.chunks(AT_ONCE) {
            let query = format!(
                "SELECT server_id, version, reference_ids, contents FROM server_inventories WHERE server_id IN ({})",
                sql::numbers(chunk)
            );
            let texts: Vec<Texts> = sql::all(&self.db, &query, vec![]).await?;
            let read: Vec<_> = texts
                .into_iter()
                .map(|texts| (texts.server_id, Arc::new(Held::from(&texts))))
                .collect();
            self.held.lock().extend(read);
        }
        let known = self.held.lock();
        let held = versions
            .into_iter()
            .filter_map(|version| Some((version.server_id, Arc::clone(known.get(&version.server_id)?))));
        Ok(held.collect())
    }
}

impl HeldInMemory {
    fn lock(&self) -> MutexGuard<'_, HashMap<ServerId, Arc<Held>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<&Texts> for Held {
    fn from(texts: &Texts) -> Self {
        let contents = texts.contents.split(',').filter_map(|pair| {
            let (size, content) = pair.split_once(':')?;
            Some((content.parse().ok()?, size.parse().ok()?))
        });
        Self {
            version: texts.version,
            references: texts
                .reference_ids
                .split(',')
                .filter_map(|number| number.parse().ok())
                .collect(),
            contents: contents.collect(),
        }
    }
}
