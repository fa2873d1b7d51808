use chrono::{DateTime, Utc};
use imagefleet_model::{Access, Image, ImageStore, Page, PageRequest, ServerStatus};
use sea_orm::FromQueryResult;
use serde::Serialize;

use super::filter::{Conditions, ImageFilter};
use super::row::{self, COLUMNS, ImageRow, TABLES};
use crate::{Result, Store, scope, sql};

/// Images that a group shows; the list view has the others.
const SHOWN: u64 = 12;

/// A server as its group of images shows it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerSummary {
    /// Row id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether it can be worked with.
    pub status: ServerStatus,
    /// Why it cannot.
    pub status_reason: Option<String>,
    /// Since when it has this status.
    pub status_since: Option<DateTime<Utc>>,
    /// When its engine last answered.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// When its images were last looked at.
    pub last_sync_at: Option<DateTime<Utc>>,
    /// `28.5.2`, …
    pub engine_version: Option<String>,
    /// How it keeps images.
    pub image_store: Option<ImageStore>,
    /// `linux/amd64`, …
    pub platform: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// A server with its images that match.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerGroup {
    /// The server.
    pub server: ServerSummary,
    /// How many images of it match.
    pub image_count: u64,
    /// Their bytes on that server; content with several names counts once.
    pub total_size: u64,
    /// The first twelve, by name.
    pub images: Vec<Image>,
}

#[derive(FromQueryResult)]
struct ServerRow {
    id: i64,
    name: String,
    enabled: bool,
    status: String,
    status_reason: Option<String>,
    status_since: Option<i64>,
    last_seen_at: Option<i64>,
    last_sync_at: Option<i64>,
    engine_version: Option<String>,
    image_store: Option<String>,
    platform: Option<String>,
    tags: String,
}

impl Store {
    /// One page of servers with their images that match and that the caller may see, by server name. Without a
    /// filter over images, servers that hold none are there too.
    pub async fn images_by_server(
        &self,
        filter: &ImageFilter,
        access: &Access,
        page: PageRequest,
    ) -> Result<Page<ServerGroup>> {
        #[derive(FromQueryResult)]
        struct Sum {
            images: i64,
            size: i64,
        }
        let conditions = Conditions::new(filter, access, self.is_sqlite());
        let all = conditions.all();
        let mut values = Vec::new();
        let mut servers = vec!["1 = 1".to_owned()];
        let only_servers = ImageFilter { server_ids: filter.server_ids.clone(), ..ImageFilter::default() };
        if *filter == only_servers {
            if !filter.server_ids.is_empty() {
                let ids: Vec<String> = filter.server_ids.iter().map(ToString::to_string).collect();
                servers.push(format!("s.id IN ({})", ids.join(", ")));
            }
            servers.extend(scope::condition(
                access,
                imagefleet_model::Verb::ImageView,
                "s.id",
                "NULL",
                &mut values,
            ));
        } else {
            values.clone_from(&conditions.values);
            servers.push(format!(
                "s.id IN (SELECT i.server_id FROM images i JOIN image_references r ON r.id = i.reference_id WHERE {all})"
            ));
        }
        let servers = servers.join(" AND ");
        let total = sql::number(
            &self.db,
            &format!("SELECT COUNT(*) FROM servers s WHERE {servers}"),
            values.clone(),
        )
        .await?;
        let n = values.len();
        values.push(sql::signed(page.size).into());
        values.push(sql::signed(page.offset()).into());
        let rows: Vec<ServerRow> = sql::all(
            &self.db,
            &format!(
                "SELECT s.id, s.name, s.enabled, s.status, s.status_reason, s.status_since, s.last_seen_at, \
                 s.last_sync_at, s.engine_version, s.image_store, s.platform, s.tags FROM servers s \
                 WHERE {servers} ORDER BY s.name LIMIT ${} OFFSET ${}",
                n + 1,
                n + 2
            ),
            values,
        )
        .await?;
        let mut items = Vec::with_capacity(rows.len());
        for server in rows {
            let id = server.id;
            let sum: Option<Sum> = sql::one(
                &self.db,
                &format!(
                    "SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) AS images, \
                     CAST(COALESCE(SUM(size), 0) AS BIGINT) AS size FROM \
                     (SELECT COUNT(*) AS n, MAX(i.size) AS size FROM images i \
                      JOIN image_references r ON r.id = i.reference_id \
                      WHERE {all} AND i.server_id = {id} GROUP BY i.engine_id) AS c"
                ),
                conditions.values.clone(),
            )
            .await?;
            let images: Vec<ImageRow> = sql::all(
                &self.db,
                &format!(
                    "SELECT {COLUMNS} FROM {TABLES} WHERE {all} AND i.server_id = {id} \
                     ORDER BY r.full_name LIMIT {SHOWN}"
                ),
                conditions.values.clone(),
            )
            .await?;
            items.push(ServerGroup {
                server: summary(server)?,
                image_count: sum.as_ref().map_or(0, |sum| sql::unsigned(sum.images)),
                total_size: sum.as_ref().map_or(0, |sum| sql::unsigned(sum.size)),
                images: row::images(&self.db, images).await?,
            });
        }
        Ok(Page::new(items, sql::unsigned(total), page))
    }
}

fn summary(row: ServerRow) -> Result<ServerSummary> {
    let status = if row.enabled {
        ServerStatus::from_word(&row.status).unwrap_or(ServerStatus::Offline)
    } else {
        ServerStatus::Disabled
    };
    Ok(ServerSummary {
        id: row.id,
        name: row.name,
        status,
        status_reason: row.status_reason,
        status_since: sql::maybe_time(row.status_since),
        last_seen_at: sql::maybe_time(row.last_seen_at),
        last_sync_at: sql::maybe_time(row.last_sync_at),
        engine_version: row.engine_version,
        image_store: row.image_store.as_deref().and_then(ImageStore::from_word),
        platform: row.platform,
        tags: sql::from_json(&row.tags)?,
    })
}
