use std::collections::BTreeMap;

use imagefleet_model::{ImageStatus, ServerId};
use sea_orm::{ConnectionTrait, DatabaseBackend, FromQueryResult, Value};

use super::changes::{forget_unheld, next_change};
use crate::{Result, Store, sql};

/// The counted columns of `image_references`, in the order of [`Counting`]'s numbers: all placements first.
pub const COLUMNS: [&str; 7] = [
    "placements",
    "pulling",
    "pull_failed",
    "deleting",
    "delete_failed",
    "start_failed",
    "in_use",
];
/// Which of them counts images in use.
pub const IN_USE: usize = 6;

/// Which of them counts images of a status; `None` for those that are available.
pub const fn count_index(status: ImageStatus) -> Option<usize> {
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
        if let Some(index) = count_index(status) {
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
        let contents = self.contents || changed.iter().any(|(_, counts)| counts[0] != 0);
        let change = next_change(tx).await?;
        for chunk in sql::chunks(&changed) {
            let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 8 + 1);
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
            values.push(change.into());
            let update = format!(
                "WITH v (id, {}) AS (VALUES {}) UPDATE image_references SET {}, changed = ${} FROM v \
                 WHERE v.id = image_references.id",
                COLUMNS.join(", "),
                rows.join(", "),
                sets.join(", "),
                values.len()
            );
            sql::run(tx, &update, values).await?;
        }
        let fewer: Vec<i64> = changed
            .iter()
            .filter(|(_, counts)| counts[0] < 0)
            .map(|(id, _)| *id)
            .collect();
        forget_unheld(tx, &fewer, change).await?;
        count_server(tx, server_id, change).await?;
        if contents {
            write_held(tx, server_id, change).await?;
        }
        Ok(())
    }
}

/// `PostgreSQL` has many writers: those of the inventory take turns, so that counts add up and nobody deadlocks.
/// `SQLite` has one writer anyway. They also plan each statement for what it is about: a plan that was kept from when the
/// tables were empty reads all of them for every 128 names of a first look, until somebody analyses them.
pub async fn take_turn(tx: &impl ConnectionTrait) -> Result<()> {
    if tx.get_database_backend() == DatabaseBackend::Postgres {
        sql::run(tx, "SELECT set_config('plan_cache_mode', 'force_custom_plan', TRUE), pg_advisory_xact_lock(7145829131)", vec![]).await?;
    }
    Ok(())
}

/// Writes down what a server holds: what is kept in memory is read from there in one go.
async fn write_held(tx: &impl ConnectionTrait, server_id: ServerId, change: i64) -> Result<()> {
    sql::run(
        tx,
        "INSERT INTO server_inventories (server_id, reference_ids, contents) \
         SELECT $1, COALESCE(string_agg(CAST(reference_id AS TEXT), ','), ''), \
         COALESCE(string_agg(CAST(size AS TEXT) || ':' || CAST(content AS TEXT), ','), '') FROM \
         (SELECT reference_id, size, DENSE_RANK() OVER (ORDER BY engine_id) AS content FROM images \
          WHERE server_id = $1 ORDER BY reference_id) AS h \
         WHERE EXISTS (SELECT 1 FROM servers WHERE id = $1) \
         ON CONFLICT (server_id) DO UPDATE SET reference_ids = excluded.reference_ids, contents = excluded.contents",
        vec![server_id.into()],
    )
    .await?;
    sql::run(
        tx,
        "UPDATE servers SET contents_changed = $1 WHERE id = $2",
        vec![change.into(), server_id.into()],
    )
    .await?;
    Ok(())
}

/// Counts the images and bytes of a server; each engine id's bytes once.
async fn count_server(tx: &impl ConnectionTrait, server_id: ServerId, change: i64) -> Result<()> {
    sql::run(
        tx,
        "UPDATE servers SET (image_count, total_size) = \
         (SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM \
          (SELECT COUNT(*) AS n, MAX(size) AS size FROM images WHERE server_id = $1 GROUP BY engine_id) AS c), \
         images_changed = $2 WHERE id = $1",
        vec![server_id.into(), change.into()],
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
            let change = next_change(tx).await?;
            let sums: Vec<String> = ImageStatus::ALL
                .iter()
                .filter_map(|status| Some((COLUMNS[count_index(*status)?], status.as_str())))
                .map(|(column, word)| format!("{column} = (SELECT COUNT(*) FROM images i WHERE i.reference_id = image_references.id AND i.status = '{word}')"))
                .collect();
            let update = format!(
                "UPDATE image_references SET {}, \
                 placements = (SELECT COUNT(*) FROM images i WHERE i.reference_id = image_references.id), \
                 in_use = (SELECT COUNT(*) FROM images i WHERE i.reference_id = image_references.id AND i.in_use), \
                 changed = $1",
                sums.join(", ")
            );
            sql::run(tx, &update, vec![change.into()]).await?;
            let unheld: Vec<Id> =
                sql::all(tx, "SELECT id FROM image_references WHERE placements = 0", vec![]).await?;
            let unheld: Vec<i64> = unheld.into_iter().map(|row| row.id).collect();
            forget_unheld(tx, &unheld, change).await?;
            let servers: Vec<Id> = sql::all(tx, "SELECT id FROM servers", vec![]).await?;
            for server in servers {
                count_server(tx, server.id, change).await?;
                write_held(tx, server.id, change).await?;
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
