use std::collections::HashMap;

use chrono::{DateTime, Utc};
use imagefleet_model::{Access, Image, ImageStore, Page, PageRequest, ServerStatus, Verb};
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;

use super::filter::{Conditions, ImageFilter, ImageSort, joined};
use super::kept::{self, Kept};
use super::list::{sorting, walking};
use crate::{Result, Store, scope, sql};

/// Images that a group shows; the list view has the others.
const SHOWN: i64 = 12;

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
        let conditions = Conditions::new(&self.db, filter, access).await?;
        let kept = if conditions.limited || !conditions.reference.is_empty() {
            None
        } else {
            kept::per_server(&self.db, filter).await?
        };
        let sizes_hold = kept.is_some() && kept::sizes_hold(filter);
        let counts = match kept {
            Some(kept) => kept,
            None => self.counted(&conditions).await?,
        };
        let only_servers = ImageFilter {
            server_ids: filter.server_ids.clone(),
            ..ImageFilter::default()
        };
        let (total, servers) = if *filter == only_servers {
            self.servers_seen(filter, access, page).await?
        } else {
            let shown = counts
                .iter()
                .skip(usize::try_from(page.offset()).unwrap_or(usize::MAX))
                .take(usize::try_from(page.size).unwrap_or(usize::MAX));
            let ids: Vec<i64> = shown.map(|count| count.server_id).collect();
            (
                counts.len() as u64,
                self.server_rows(&format!("s.id IN ({})", listed(&ids)), vec![], "")
                    .await?,
            )
        };
        let ids: Vec<i64> = servers.iter().map(|server| server.id).collect();
        let mut counts: HashMap<i64, Kept> = counts
            .into_iter()
            .filter(|count| ids.contains(&count.server_id))
            .map(|count| (count.server_id, count))
            .collect();
        if !sizes_hold {
            for size in self.sizes(&conditions, &ids).await? {
                if let Some(count) = counts.get_mut(&size.server_id) {
                    count.total_size = size.total_size;
                }
            }
        }
        let mut images: HashMap<i64, Vec<Image>> = HashMap::new();
        for image in self.first_images(&conditions, &ids, &counts).await? {
            images.entry(image.server_id).or_default().push(image);
        }
        let items = servers.into_iter().map(|server| {
            let count = counts.get(&server.id);
            Ok(ServerGroup {
                image_count: count.map_or(0, |count| sql::unsigned(count.images)),
                total_size: count.map_or(0, |count| sql::unsigned(count.total_size)),
                images: images.remove(&server.id).unwrap_or_default(),
                server: summary(server)?,
            })
        });
        Ok(Page::new(items.collect::<Result<_>>()?, total, page))
    }

    /// A page of the servers that the caller may see, whatever they hold.
    async fn servers_seen(
        &self,
        filter: &ImageFilter,
        access: &Access,
        page: PageRequest,
    ) -> Result<(u64, Vec<ServerRow>)> {
        let mut values = Vec::new();
        let mut conditions = Vec::new();
        if !filter.server_ids.is_empty() {
            conditions.push(format!("s.id IN ({})", sql::numbers(&filter.server_ids)));
        }
        conditions.extend(scope::condition(
            access,
            Verb::ImageView,
            "s.id",
            "NULL",
            &mut values,
        ));
        let condition = joined(conditions.iter());
        let count = format!("SELECT COUNT(*) FROM servers s WHERE {condition}");
        let total = sql::number(&self.db, &count, values.clone()).await?;
        let limits = format!("LIMIT {} OFFSET {}", page.size, page.offset());
        Ok((
            sql::unsigned(total),
            self.server_rows(&condition, values, &limits).await?,
        ))
    }

    async fn server_rows(&self, condition: &str, values: Vec<Value>, limits: &str) -> Result<Vec<ServerRow>> {
        sql::all(
            &self.db,
            &format!(
                "SELECT s.id, s.name, s.enabled, s.status, s.status_reason, s.status_since, s.last_seen_at, \
                 s.last_sync_at, s.engine_version, s.image_store, s.platform, s.tags FROM servers s \
                 WHERE {condition} ORDER BY s.name {limits}"
            ),
            values,
        )
        .await
    }

    /// Images that match on every server that has any, in the order of their names; without sizes.
    async fn counted(&self, conditions: &Conditions) -> Result<Vec<Kept>> {
        sql::all(
            &self.db,
            &format!(
                "SELECT s.id AS server_id, c.images, CAST(0 AS BIGINT) AS total_size FROM \
                 (SELECT i.server_id, COUNT(*) AS images FROM images i \
                  JOIN image_references r ON r.id = i.reference_id WHERE {} GROUP BY i.server_id) AS c \
                 JOIN servers s ON s.id = c.server_id ORDER BY s.name",
                conditions.all()
            ),
            conditions.values.clone(),
        )
        .await
    }

    /// Bytes of what matches on these servers, each content once.
    async fn sizes(&self, conditions: &Conditions, servers: &[i64]) -> Result<Vec<Kept>> {
        sql::all(
            &self.db,
            &format!(
                "SELECT c.server_id, CAST(0 AS BIGINT) AS images, CAST(SUM(c.size) AS BIGINT) AS total_size FROM \
                 (SELECT i.server_id, MAX(i.size) AS size FROM images i \
                  JOIN image_references r ON r.id = i.reference_id \
                  WHERE {} AND i.server_id IN ({}) GROUP BY i.server_id, i.engine_id) AS c GROUP BY c.server_id",
                conditions.all(),
                listed(servers)
            ),
            conditions.values.clone(),
        )
        .await
    }

    /// The first images of each server by name, found in one go.
    async fn first_images(
        &self,
        conditions: &Conditions,
        servers: &[i64],
        counts: &HashMap<i64, Kept>,
    ) -> Result<Vec<Image>> {
        #[derive(FromQueryResult)]
        struct Id {
            id: i64,
        }
        let mut parts = Vec::new();
        for server in servers {
            let images = counts.get(server).map_or(0, |count| count.images);
            if images == 0 {
                continue;
            }
            let mut on_server = conditions.clone();
            on_server.image.push(format!("i.server_id = {server}"));
            let query = if self.pays_to_walk(images, SHOWN).await? {
                walking(&on_server, ImageSort::default())
            } else {
                sorting(&on_server, ImageSort::default())
            };
            parts.push(format!("SELECT id FROM ({query} LIMIT {SHOWN}) AS p{server}"));
        }
        let mut ids = Vec::new();
        // SQLite takes no more than 500 selects in one.
        for chunk in parts.chunks(100) {
            let rows: Vec<Id> =
                sql::all(&self.db, &chunk.join(" UNION ALL "), conditions.values.clone()).await?;
            ids.extend(rows.into_iter().map(|row| row.id));
        }
        self.images_by_ids(&ids).await
    }
}

/// For `IN (…)`, which must not be empty.
fn listed(ids: &[i64]) -> String {
    if ids.is_empty() {
        "NULL".to_owned()
    } else {
        sql::numbers(ids)
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
