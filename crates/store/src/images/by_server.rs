use std::collections::HashMap;

use chrono::{DateTime, Utc};
use imagefleet_model::{Access, Image, ImageStore, Page, PageRequest, ServerId, ServerStatus, Verb};
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;

use super::filter::ImageFilter;
use super::memory::Servers;
use super::selection::{Part, Selection, servers};
use super::slice::Slice;
use crate::{Result, Store, scope, sql};

/// Images that a group shows; the list view has the others.
const SHOWN: usize = 12;

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
        let only_servers = ImageFilter {
            server_ids: filter.server_ids.clone(),
            ..ImageFilter::default()
        };
        let (total, rows, parts) = if *filter == only_servers {
            let (total, rows) = self.servers_seen(filter, access, page).await?;
            let ids: Vec<ServerId> = rows.iter().map(|row| row.id).collect();
            let parts = self.parts(filter, access, ids).await?;
            (total, rows, parts)
        } else {
            let (total, parts) = self.servers_that_match(filter, access, page).await?;
            let ids: Vec<ServerId> = parts.iter().map(|part| part.server_id).collect();
            let condition = format!("s.id IN ({})", sql::numbers_of(&self.db, 1));
            let values = vec![sql::json(&ids)?.into()];
            (total, self.server_rows(&condition, values, "").await?, parts)
        };
        let first: Vec<(ServerId, i64)> = parts
            .iter()
            .flat_map(|part| part.first.iter().map(|reference| (part.server_id, *reference)))
            .collect();
        let mut shown = self.images_at(&first).await?;
        self.hide_users(&mut shown, access).await?;
        let mut images: HashMap<ServerId, Vec<Image>> = HashMap::new();
        for image in shown {
            images.entry(image.server_id).or_default().push(image);
        }
        let parts: HashMap<ServerId, Part> = parts.into_iter().map(|part| (part.server_id, part)).collect();
        let items = rows.into_iter().map(|row| {
            let part = parts.get(&row.id);
            Ok(ServerGroup {
                image_count: part.map_or(0, |part| part.images),
                total_size: part.map_or(0, |part| part.total_size),
                images: images.remove(&row.id).unwrap_or_default(),
                server: summary(row)?,
            })
        });
        Ok(Page::new(items.collect::<Result<_>>()?, total, page))
    }

    /// What matches on these servers.
    async fn parts(&self, filter: &ImageFilter, access: &Access, ids: Vec<ServerId>) -> Result<Vec<Part>> {
        let servers = Servers::These(ids);
        self.in_memory(&servers, |known| {
            let selection = Selection::new(known, filter, access);
            let Servers::These(ids) = &servers else {
                return Vec::new();
            };
            ids.iter().map(|server| selection.part(*server, SHOWN)).collect()
        })
        .await
    }

    /// How many servers have any image that matches, and what matches on those of a page.
    async fn servers_that_match(
        &self,
        filter: &ImageFilter,
        access: &Access,
        page: PageRequest,
    ) -> Result<(u64, Vec<Part>)> {
        let in_order = self.servers_by_name().await?;
        self.in_memory(&servers(filter, access), |known| {
            let selection = Selection::new(known, filter, access);
            let each = in_order
                .iter()
                .map(|server| (*server, u64::from(selection.any(*server))));
            let slice = Slice::cut(each, page.offset(), page.size);
            let parts = slice.parts.iter().map(|server| selection.part(*server, SHOWN));
            (slice.total, parts.collect())
        })
        .await
    }

    /// A page of the servers that the caller may see, whatever they hold.
    async fn servers_seen(
        &self,
        filter: &ImageFilter,
        access: &Access,
        page: PageRequest,
    ) -> Result<(u64, Vec<ServerRow>)> {
        let mut values = Vec::new();
        let mut conditions = vec!["1 = 1".to_owned()];
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
        let condition = conditions.join(" AND ");
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

    /// Every server in the order of their names.
    pub(super) async fn servers_by_name(&self) -> Result<Vec<ServerId>> {
        let mut all: Vec<(ServerId, String)> = sql::many(&self.db, "id, name", "servers", vec![]).await?;
        all.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
        Ok(all.into_iter().map(|(id, _)| id).collect())
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
