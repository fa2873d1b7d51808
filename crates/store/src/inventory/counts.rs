use std::collections::BTreeMap;

use imagefleet_model::{ImageStatus, ServerId};
use sea_orm::{ConnectionTrait, DatabaseBackend, FromQueryResult, Value};

use crate::{Result, Store, sql};

/// The kind in `image_counts` of images that no container uses.
pub const UNUSED: &str = "UNUSED";

/// The counted columns of `image_references`, in the order of [`Counting`]'s numbers.
const COLUMNS: [&str; 7] = [
    "placements",
    "pulling",
    "pull_failed",
    "deleting",
    "delete_failed",
    "start_failed",
    "in_use",
];
const IN_USE: usize = 6;

/// The column of `image_references` that counts images of a status; `None` for those that are available.
pub const fn count_column(status: ImageStatus) -> Option<&'static str> {
    match index(status) {
        Some(index) => Some(COLUMNS[index]),
        None => None,
    }
}

const fn index(status: ImageStatus) -> Option<usize> {
    match status {
        ImageStatus::Available => None,
        ImageStatus::Pulling => Some(1),
        ImageStatus::PullFailed => Some(2),
        ImageStatus::Deleting => Some(3),
        ImageStatus::DeleteFailed => Some(4),
        ImageStatus::StartFailed => Some(5),
    }
}

/// Images that come and go in one transaction, to be added to the counts that lists are paged by.
#[derive(Debug, Default)]
pub struct Counting {
    references: BTreeMap<i64, [i64; 7]>,
    contents: bool,
}

impl Counting {
    /// An image that was not there.
    pub fn come(&mut self, reference_id: i64, status: ImageStatus, in_use: bool) {
        self.add(reference_id, status, in_use, 1);
    }

    /// An image that is no longer there.
    pub fn gone(&mut self, reference_id: i64, status: ImageStatus, in_use: bool) {
        self.add(reference_id, status, in_use, -1);
    }

    /// Images that stay have other content or sizes.
    pub fn content_changed(&mut self) {
        self.contents = true;
    }

    fn add(&mut self, reference_id: i64, status: ImageStatus, in_use: bool, by: i64) {
        let counts = self.references.entry(reference_id).or_default();
        counts[0] += by;
        if let Some(index) = index(status) {
            counts[index] += by;
        }
        counts[IN_USE] += i64::from(in_use) * by;
    }

    /// Writes the counts of the references and counts the server anew. References that nobody holds any more go.
    pub async fn store(self, tx: &impl ConnectionTrait, server_id: ServerId) -> Result<()> {
        let changed: Vec<(i64, [i64; 7])> = self
            .references
            .into_iter()
            .filter(|(_, counts)| counts.iter().any(|count| *count != 0))
            .collect();
        let held = self.contents || changed.iter().any(|(_, counts)| counts[0] != 0);
        for chunk in sql::chunks(&changed) {
            let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 8);
            let mut rows = Vec::with_capacity(chunk.len());
            for (id, counts) in chunk {
                rows.push(format!("({})", sql::placeholders(values.len(), 8)));
                values.push((*id).into());
                values.extend(counts.map(Value::from));
            }
            let sets: Vec<String> = COLUMNS
                .iter()
                .map(|column| format!("{column} = image_references.{column} + v.{column}"))
                .collect();
            let update = format!(
                "WITH v (id, {}) AS (VALUES {}) UPDATE image_references SET {} FROM v WHERE v.id = image_references.id",
                COLUMNS.join(", "),
                rows.join(", "),
                sets.join(", ")
            );
            sql::run(tx, &update, values).await?;
        }
        let fewer: Vec<i64> = changed
            .iter()
            .filter(|(_, counts)| counts[0] < 0)
            .map(|(id, _)| *id)
            .collect();
        for chunk in sql::chunks(&fewer) {
            let delete = format!(
                "DELETE FROM image_references WHERE placements = 0 AND id IN ({})",
                sql::placeholders(0, chunk.len())
            );
            sql::run(tx, &delete, chunk.iter().map(|id| (*id).into()).collect()).await?;
        }
        count_server(tx, server_id).await?;
        if held {
            write_held(tx, server_id).await?;
        }
        Ok(())
    }
}

/// `PostgreSQL` has many writers: those of the inventory take turns, so that counts add up and nobody deadlocks.
/// `SQLite` has one writer anyway.
pub async fn take_turn(tx: &impl ConnectionTrait) -> Result<()> {
    if tx.get_database_backend() == DatabaseBackend::Postgres {
        sql::run(tx, "SELECT pg_advisory_xact_lock(7145829131)", vec![]).await?;
    }
    Ok(())
}

/// Writes down what a server holds, for searches over the groups by server.
async fn write_held(tx: &impl ConnectionTrait, server_id: ServerId) -> Result<()> {
    sql::run(
        tx,
        "INSERT INTO server_inventories (server_id, version, reference_ids, contents) \
         SELECT $1, $2, COALESCE(string_agg(CAST(reference_id AS TEXT), ','), ''), \
         COALESCE(string_agg(CAST(size AS TEXT) || ':' || CAST(content AS TEXT), ','), '') FROM \
         (SELECT reference_id, size, DENSE_RANK() OVER (ORDER BY engine_id) AS content FROM images \
          WHERE server_id = $1 ORDER BY reference_id) AS h \
         WHERE EXISTS (SELECT 1 FROM servers WHERE id = $1) \
         ON CONFLICT (server_id) DO UPDATE SET version = excluded.version, \
         reference_ids = excluded.reference_ids, contents = excluded.contents",
        // Not counted up: a server that takes the place of a removed one must not have a number that was known.
        vec![server_id.into(), rand::random::<i64>().into()],
    )
    .await?;
    Ok(())
}

/// Counts the images and bytes of a server; each engine id's bytes once.
async fn count_server(tx: &impl ConnectionTrait, server_id: ServerId) -> Result<()> {
    let id = || vec![server_id.into()];
    sql::run(tx, "DELETE FROM image_counts WHERE server_id = $1", id()).await?;
    sql::run(
        tx,
        "INSERT INTO image_counts (server_id, kind, images, total_size) \
         SELECT $1, kind, CAST(SUM(n) AS BIGINT), CAST(SUM(size) AS BIGINT) FROM \
         (SELECT status AS kind, engine_id, COUNT(*) AS n, MAX(size) AS size FROM images WHERE server_id = $1 \
          GROUP BY status, engine_id) AS c GROUP BY kind",
        id(),
    )
    .await?;
    sql::run(
        tx,
        "INSERT INTO image_counts (server_id, kind, images, total_size) \
         SELECT $1, $2, CAST(SUM(n) AS BIGINT), CAST(SUM(size) AS BIGINT) FROM \
         (SELECT COUNT(*) AS n, MAX(size) AS size FROM images WHERE server_id = $1 AND NOT in_use \
          GROUP BY engine_id) AS c HAVING COUNT(*) > 0",
        vec![server_id.into(), UNUSED.into()],
    )
    .await?;
    sql::run(
        tx,
        "UPDATE servers SET (image_count, total_size) = \
         (SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM \
          (SELECT COUNT(*) AS n, MAX(size) AS size FROM images WHERE server_id = $1 GROUP BY engine_id) AS c) \
         WHERE id = $1",
        id(),
    )
    .await?;
    Ok(())
}

impl Store {
    /// Counts every reference and every server anew from the image rows: the repair of counts that something outside
    /// imagefleet made wrong.
    pub async fn recount_images(&self) -> Result<()> {
        self.write(async |tx| {
            take_turn(tx).await?;
            let sums: Vec<String> = ImageStatus::ALL
                .iter()
                .filter_map(|status| Some((count_column(*status)?, status.as_str())))
                .map(|(column, word)| format!("{column} = (SELECT COUNT(*) FROM images i WHERE i.reference_id = image_references.id AND i.status = '{word}')"))
                .collect();
            let update = format!(
                "UPDATE image_references SET {}, \
                 placements = (SELECT COUNT(*) FROM images i WHERE i.reference_id = image_references.id), \
                 in_use = (SELECT COUNT(*) FROM images i WHERE i.reference_id = image_references.id AND i.in_use)",
                sums.join(", ")
            );
            sql::run(tx, &update, vec![]).await?;
            sql::run(tx, "DELETE FROM image_references WHERE placements = 0", vec![]).await?;
            let servers: Vec<Id> = sql::all(tx, "SELECT id FROM servers", vec![]).await?;
            for server in servers {
                count_server(tx, server.id).await?;
                write_held(tx, server.id).await?;
            }
            Ok(())
        })
        .await
    }
}

#[derive(FromQueryResult)]
struct Id {
    id: i64,
}
