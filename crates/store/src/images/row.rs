use std::collections::{BTreeSet, HashMap};

use imagefleet_model::{Image, ImageStatus, ServerId};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Deserialize;

use crate::{Result, sql};

/// What [`ImageRow`] reads, of `images i`, `image_references r` and `servers s`.
const COLUMNS: &str = "i.id, i.server_id, s.name AS server_name, i.reference_id, r.software_id, i.engine_id, \
    r.repository, r.tag, r.full_name, i.digest, i.size, i.platform, i.status, i.error, \
    CAST(i.in_use AS INTEGER) AS in_use, i.created_at, i.first_seen_at, i.updated_at";

/// The same out of that.
const NAMES: &str = "id, server_id, server_name, reference_id, software_id, engine_id, repository, tag, full_name, \
    digest, size, platform, status, error, in_use, created_at, first_seen_at, updated_at";

/// The tables of [`COLUMNS`]. `CROSS JOIN` holds `SQLite` to begin with the images: which these are is known, or
/// found by an index of theirs.
const TABLES: &str = "images i CROSS JOIN image_references r CROSS JOIN servers s";

/// One image as stored.
#[derive(Debug, Deserialize)]
pub struct ImageRow {
    pub id: i64,
    pub server_id: i64,
    pub server_name: String,
    pub reference_id: i64,
    software_id: Option<i64>,
    engine_id: String,
    repository: String,
    tag: Option<String>,
    full_name: String,
    digest: Option<String>,
    size: i64,
    platform: Option<String>,
    status: String,
    error: Option<String>,
    #[serde(deserialize_with = "sql::truth")]
    in_use: bool,
    created_at: Option<i64>,
    first_seen_at: i64,
    updated_at: i64,
}

/// The rows of images for which a condition holds, in any order; `rest` says which of them.
pub async fn read(
    db: &impl ConnectionTrait,
    condition: &str,
    rest: &str,
    values: Vec<Value>,
) -> Result<Vec<ImageRow>> {
    let from = format!(
        "(SELECT {COLUMNS} FROM {TABLES} WHERE r.id = i.reference_id AND s.id = i.server_id AND {condition} {rest}) AS q"
    );
    sql::many(db, NAMES, &from, values).await
}

/// The rows of these references on these servers, in any order. However many they are, it is one statement, which each
/// connection has to understand once.
pub async fn read_at(db: &impl ConnectionTrait, places: &[(ServerId, i64)]) -> Result<Vec<ImageRow>> {
    let pairs = sql::pairs_of(db, 1, "BIGINT");
    let from = format!(
        "(SELECT {COLUMNS} FROM {pairs} AS p CROSS JOIN {TABLES} \
         WHERE i.server_id = p.one AND i.reference_id = p.other AND r.id = i.reference_id AND s.id = i.server_id) AS q"
    );
    sql::many(db, NAMES, &from, vec![sql::json(&places)?.into()]).await
}

/// Images from their rows, with the names of the containers that use them.
pub async fn images(db: &impl ConnectionTrait, rows: Vec<ImageRow>) -> Result<Vec<Image>> {
    let users = users(db, &rows).await?;
    rows.into_iter()
        .map(|row| {
            let used_by = if row.in_use {
                users
                    .get(&(row.server_id, row.engine_id.clone()))
                    .cloned()
                    .unwrap_or_default()
            } else {
                Vec::new()
            };
            Ok(Image {
                id: row.id,
                server_id: row.server_id,
                server_name: row.server_name,
                software_id: row.software_id,
                engine_id: row.engine_id,
                repository: row.repository,
                tag: row.tag,
                full_name: row.full_name,
                digest: row.digest,
                size: sql::unsigned(row.size),
                platform: row.platform,
                status: ImageStatus::from_word(&row.status).unwrap_or(ImageStatus::Available),
                error: sql::maybe_json(row.error.as_deref())?,
                used_by,
                created_at: sql::maybe_time(row.created_at),
                first_seen_at: sql::time(row.first_seen_at),
                updated_at: sql::time(row.updated_at),
            })
        })
        .collect()
}

/// The names of the containers that use these images, by server and engine id.
async fn users(db: &impl ConnectionTrait, rows: &[ImageRow]) -> Result<HashMap<(i64, String), Vec<String>>> {
    #[derive(FromQueryResult)]
    struct User {
        server_id: i64,
        image_engine_id: String,
        name: String,
    }
    // Each content once, with however many names.
    let used: BTreeSet<(i64, &str)> = rows
        .iter()
        .filter(|row| row.in_use)
        .map(|row| (row.server_id, row.engine_id.as_str()))
        .collect();
    let mut users: HashMap<(i64, String), Vec<String>> = HashMap::new();
    if used.is_empty() {
        return Ok(users);
    }
    let query = format!(
        "SELECT c.server_id, c.image_engine_id, c.name FROM {} AS p CROSS JOIN containers c \
         WHERE c.server_id = p.one AND c.image_engine_id = p.other ORDER BY c.name",
        sql::pairs_of(db, 1, "TEXT")
    );
    for user in sql::all::<User>(db, &query, vec![sql::json(&used)?.into()]).await? {
        users
            .entry((user.server_id, user.image_engine_id))
            .or_default()
            .push(user.name);
    }
    Ok(users)
}
