use std::collections::HashMap;

use imagefleet_model::ServerId;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Deserialize;

use super::SeenImage;
use super::changes::next_change;
use crate::{Result, StoreError, sql};

/// An image row as a look at the engine compares it.
#[derive(Debug, Clone, Deserialize)]
pub struct Stored {
    pub id: i64,
    pub reference_id: i64,
    pub full_name: String,
    pub repository: String,
    pub engine_id: String,
    pub digest: Option<String>,
    pub fingerprint: Option<String>,
    pub size: i64,
    pub platform: Option<String>,
    pub status: String,
    #[serde(deserialize_with = "sql::truth")]
    pub in_use: bool,
    pub created_at: Option<i64>,
    pub updated_at: i64,
}

/// Every image row of a server.
pub async fn of_server(tx: &impl ConnectionTrait, server_id: ServerId) -> Result<Vec<Stored>> {
    sql::many(
        tx,
        "i.id, i.reference_id, r.full_name, r.repository, i.engine_id, i.digest, i.fingerprint, i.size, \
         i.platform, i.status, CAST(i.in_use AS INTEGER), i.created_at, i.updated_at",
        "images i JOIN image_references r ON r.id = i.reference_id WHERE i.server_id = $1",
        vec![server_id.into()],
    )
    .await
}

/// What a reference is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReferenceName<'a> {
    pub full_name: &'a str,
    pub repository: &'a str,
    pub tag: Option<&'a str>,
}

impl<'a> From<&'a SeenImage> for ReferenceName<'a> {
    fn from(image: &'a SeenImage) -> Self {
        Self {
            full_name: &image.full_name,
            repository: &image.repository,
            tag: image.tag.as_deref(),
        }
    }
}

impl ReferenceName<'_> {
    /// What a search looks into: the full name, and the repository where the full name does not hold it.
    fn search(&self) -> String {
        if self.full_name.contains(self.repository) {
            self.full_name.to_lowercase()
        } else {
            format!("{}\n{}", self.full_name, self.repository).to_lowercase()
        }
    }
}

/// The id of one reference, written if it is new.
pub async fn reference_id(tx: &impl ConnectionTrait, name: ReferenceName<'_>) -> Result<i64> {
    let ids = reference_ids(tx, &[name]).await?;
    ids.into_values()
        .next()
        .ok_or_else(|| StoreError::Unreadable("a reference was not stored".to_owned()))
}

/// The ids of references by full name and repository, new ones written, with the catalogue entry of exactly their
/// repository.
pub async fn reference_ids(
    tx: &impl ConnectionTrait,
    names: &[ReferenceName<'_>],
) -> Result<HashMap<(String, String), i64>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: i64,
        full_name: String,
        repository: String,
    }
    let mut ids = HashMap::with_capacity(names.len());
    if names.is_empty() {
        return Ok(ids);
    }
    let change = next_change(tx).await?;
    for chunk in sql::chunks(names) {
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 4 + 1);
        let mut rows = Vec::with_capacity(chunk.len());
        for name in chunk {
            rows.push(format!("({})", sql::placeholders(values.len(), 4)));
            values.push(name.full_name.into());
            values.push(name.repository.into());
            values.push(name.tag.map(ToOwned::to_owned).into());
            values.push(name.search().into());
        }
        values.push(change.into());
        let insert = format!(
            "WITH v (full_name, repository, tag, search) AS (VALUES {}) \
             INSERT INTO image_references (full_name, repository, tag, search, software_id, changed) \
             SELECT v.full_name, v.repository, v.tag, v.search, \
             (SELECT s.id FROM software s WHERE s.repository = v.repository ORDER BY s.builtin LIMIT 1), \
             ${} FROM v WHERE TRUE ON CONFLICT (full_name, repository) DO NOTHING",
            rows.join(", "),
            values.len()
        );
        sql::run(tx, &insert, values).await?;
        let found: Vec<Row> = sql::all(
            tx,
            &format!(
                "SELECT id, full_name, repository FROM image_references WHERE full_name IN ({})",
                sql::placeholders(0, chunk.len())
            ),
            chunk.iter().map(|name| name.full_name.into()).collect(),
        )
        .await?;
        let wanted: std::collections::HashSet<_> =
            chunk.iter().map(|n| (n.full_name, n.repository)).collect();
        ids.extend(
            found
                .into_iter()
                .filter(|row| wanted.contains(&(row.full_name.as_str(), row.repository.as_str())))
                .map(|row| ((row.full_name, row.repository), row.id)),
        );
    }
    Ok(ids)
}
