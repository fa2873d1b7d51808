use imagefleet_model::{Image, ImageStatus};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use crate::{Result, sql};

/// What [`ImageRow`] reads, of `images i`, `image_references r` and `servers s`.
pub const COLUMNS: &str = "i.id, i.server_id, s.name AS server_name, r.software_id, i.engine_id, r.repository, \
    r.tag, r.full_name, i.digest, i.size, i.platform, i.status, i.error, i.in_use, i.created_at, i.first_seen_at, \
    i.updated_at";

/// The tables of [`COLUMNS`].
pub const TABLES: &str = "images i JOIN image_references r ON r.id = i.reference_id \
    JOIN servers s ON s.id = i.server_id";

/// One image as stored.
#[derive(Debug, FromQueryResult)]
pub struct ImageRow {
    pub id: i64,
    pub server_id: i64,
    server_name: String,
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
    in_use: bool,
    created_at: Option<i64>,
    first_seen_at: i64,
    updated_at: i64,
}

/// Images from their rows, with the names of the containers that use them.
pub async fn images(db: &impl ConnectionTrait, rows: Vec<ImageRow>) -> Result<Vec<Image>> {
    #[derive(FromQueryResult)]
    struct User {
        server_id: i64,
        image_engine_id: String,
        name: String,
    }
    let used: Vec<(i64, &str)> = rows
        .iter()
        .filter(|row| row.in_use)
        .map(|row| (row.server_id, row.engine_id.as_str()))
        .collect();
    let mut users: Vec<User> = Vec::new();
    for chunk in used.chunks(400) {
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 2);
        let mut pairs = Vec::with_capacity(chunk.len());
        for (server_id, engine_id) in chunk {
            pairs.push(format!("({})", sql::placeholders(values.len(), 2)));
            values.push((*server_id).into());
            values.push((*engine_id).into());
        }
        let query = format!(
            "SELECT server_id, image_engine_id, name FROM containers \
             WHERE (server_id, image_engine_id) IN (VALUES {}) ORDER BY name",
            pairs.join(", ")
        );
        users.extend(sql::all::<User>(db, &query, values).await?);
    }
    rows.into_iter()
        .map(|row| {
            let used_by = users
                .iter()
                .filter(|user| {
                    row.in_use && user.server_id == row.server_id && user.image_engine_id == row.engine_id
                })
                .map(|user| user.name.clone())
                .collect();
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
