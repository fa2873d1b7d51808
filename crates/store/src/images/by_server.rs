use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use imagefleet_model::{Access, Image, ImageStore, Page, PageRequest, ServerId, ServerStatus, Verb};
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;

use super::filter::{Conditions, ImageFilter, ImageSort, joined};
use super::held::Held;
use super::kept::{self, Kept};
use super::list::{sorting, walking, walking_pays};
use super::matching::Matching;
use crate::{Result, Store, scope, sql};

/// Images that a group shows; the list view has the others.
pub(super) const SHOWN: i64 = 12;

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
        let counts = self.counts(filter, &conditions).await?;
        let only_servers = ImageFilter {
            server_ids: filter.server_ids.clone(),
            ..ImageFilter::default()
        };
        let (total, servers) = if *filter == only_servers {
            self.servers_seen(filter, access, page).await?
        } else {
            let shown = counts
                .kept
                .iter()
                .skip(usize::try_from(page.offset()).unwrap_or(usize::MAX))
                .take(usize::try_from(page.size).unwrap_or(usize::MAX));
            let ids: Vec<i64> = shown.map(|count| count.server_id).collect();
            let condition = format!("s.id IN ({})", sql::numbers(&ids));
            let total = counts.kept.len() as u64;
            (total, self.server_rows(&condition, vec![], "").await?)
        };
        let ids: Vec<i64> = servers.iter().map(|server| server.id).collect();
        let of_page: HashMap<i64, Kept> = counts
            .kept
            .iter()
            .filter(|count| ids.contains(&count.server_id))
            .map(|count| (count.server_id, *count))
            .collect();
        let sizes: HashMap<i64, i64> = match &counts.matching {
            Some(search) => search.sizes(&ids),
            None if counts.sized => of_page
                .values()
                .map(|count| (count.server_id, count.total_size))
                .collect(),
            None => self.sizes(filter, &conditions, &ids).await?,
        };
        let first = match counts.matching {
            Some(search) => self.first_by_reference(&ids, &search.first).await?,
            None => self.first_by_name(filter, &conditions, &ids, &of_page).await?,
        };
        let mut images: HashMap<i64, Vec<Image>> = HashMap::new();
        let mut shown = self.images_by_ids(&first).await?;
        self.hide_users(&mut shown, access).await?;
        for image in shown {
            images.entry(image.server_id).or_default().push(image);
        }
        let items = servers.into_iter().map(|server| {
            Ok(ServerGroup {
                image_count: of_page
                    .get(&server.id)
                    .map_or(0, |count| sql::unsigned(count.images)),
                total_size: sizes.get(&server.id).map_or(0, |size| sql::unsigned(*size)),
                images: images.remove(&server.id).unwrap_or_default(),
                server: summary(server)?,
            })
        });
        Ok(Page::new(items.collect::<Result<_>>()?, total, page))
    }

    /// How many images match on every server that has any.
    async fn counts(&self, filter: &ImageFilter, conditions: &Conditions) -> Result<Counts> {
        let mut counts = Counts::default();
        if conditions.limited {
            counts.kept = self.counted(filter, conditions).await?;
        } else if conditions.reference.is_empty() {
            match kept::per_server(&self.db, filter).await? {
                Some(kept) => {
                    counts.kept = kept;
                    counts.sized = kept::sizes_hold(filter);
                }
                None => counts.kept = self.counted(filter, conditions).await?,
            }
        } else if filter.statuses.is_empty() && filter.unused.is_none() {
            let matching = Matching::find(&self.db, conditions).await?;
            let held = self.held(&filter.server_ids).await?;
            let mut first = HashMap::new();
            for found in matching.per_server(&held) {
                counts.kept.push(Kept {
                    server_id: found.server_id,
                    images: found.images,
                    total_size: 0,
                });
                first.insert(found.server_id, found.first);
            }
            counts.matching = Some(Search {
                matching,
                held: held.into_iter().collect(),
                first,
            });
        } else {
            counts.kept = self.counted(filter, conditions).await?;
        }
        Ok(counts)
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
    async fn counted(&self, filter: &ImageFilter, conditions: &Conditions) -> Result<Vec<Kept>> {
        let query = format!(
            "SELECT s.id AS server_id, c.images, CAST(0 AS BIGINT) AS total_size FROM \
             (SELECT i.server_id, COUNT(*) AS images FROM {} WHERE r.id = i.reference_id AND {} \
              GROUP BY i.server_id) AS c JOIN servers s ON s.id = c.server_id ORDER BY s.name",
            conditions.tables(filter),
            conditions.all()
        );
        sql::all(&self.db, &query, conditions.values.clone()).await
    }

    /// Bytes of what matches on these servers, each content once.
    async fn sizes(
        &self,
        filter: &ImageFilter,
        conditions: &Conditions,
        servers: &[i64],
    ) -> Result<HashMap<i64, i64>> {
        #[derive(FromQueryResult)]
        struct Size {
            server_id: i64,
            size: i64,
        }
        let query = format!(
            "SELECT c.server_id, CAST(SUM(c.size) AS BIGINT) AS size FROM \
             (SELECT i.server_id, MAX(i.size) AS size FROM {} WHERE r.id = i.reference_id AND {} \
              AND i.server_id IN ({}) GROUP BY i.server_id, i.engine_id) AS c GROUP BY c.server_id",
            conditions.tables(filter),
            conditions.all(),
            sql::numbers(servers)
        );
        let rows: Vec<Size> = sql::all(&self.db, &query, conditions.values.clone()).await?;
        Ok(rows.into_iter().map(|row| (row.server_id, row.size)).collect())
    }

    /// The first images of each server, of which the references are known.
    async fn first_by_reference(&self, servers: &[i64], first: &HashMap<i64, Vec<i64>>) -> Result<Vec<i64>> {
        #[derive(FromQueryResult)]
        struct Row {
            id: i64,
            server_id: i64,
            reference_id: i64,
        }
        let pairs: Vec<(i64, i64)> = servers
            .iter()
            .filter_map(|server| Some((server, first.get(server)?)))
            .flat_map(|(server, references)| references.iter().map(|reference| (*server, *reference)))
            .collect();
        let mut ids = HashMap::with_capacity(pairs.len());
        for chunk in pairs.chunks(400) {
            let listed: Vec<String> = chunk
                .iter()
                .map(|(server, reference)| format!("({server}, {reference})"))
                .collect();
            let query = format!(
                "SELECT id, server_id, reference_id FROM images WHERE (server_id, reference_id) IN (VALUES {})",
                listed.join(", ")
            );
            let rows: Vec<Row> = sql::all(&self.db, &query, vec![]).await?;
            ids.extend(
                rows.into_iter()
                    .map(|row| ((row.server_id, row.reference_id), row.id)),
            );
        }
        Ok(pairs.iter().filter_map(|pair| ids.get(pair).copied()).collect())
    }

    /// The first images of each server by name, found in one go.
    async fn first_by_name(
        &self,
        filter: &ImageFilter,
        conditions: &Conditions,
        servers: &[i64],
        counts: &HashMap<i64, Kept>,
    ) -> Result<Vec<i64>> {
        #[derive(FromQueryResult)]
        struct Id {
            id: i64,
        }
        let references = self.reference_count().await?;
        let mut parts = Vec::new();
        for server in servers {
            let images = counts.get(server).map_or(0, |count| count.images);
            if images == 0 {
                continue;
            }
            let mut on_server = conditions.clone();
            on_server.image.push(format!("i.server_id = {server}"));
            let query = if walking_pays(references, images, SHOWN) {
                walking(&on_server, ImageSort::default())
            } else {
                sorting(
                    &kept::on_server(filter, *server),
                    &on_server,
                    ImageSort::default(),
                )
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
        Ok(ids)
    }
}

/// How many images match on every server that has any, by server name, and what else is known of them by then.
#[derive(Default)]
struct Counts {
    kept: Vec<Kept>,
    /// Whether the sizes in `kept` hold.
    sized: bool,
    /// What a search found.
    matching: Option<Search>,
}

/// A search laid over what servers hold.
struct Search {
    matching: Matching,
    held: HashMap<ServerId, Arc<Held>>,
    /// The first references of each server.
    first: HashMap<ServerId, Vec<i64>>,
}

impl Search {
    fn sizes(&self, servers: &[ServerId]) -> HashMap<ServerId, i64> {
        servers
            .iter()
            .filter_map(|server| Some((*server, self.matching.size(self.held.get(server)?))))
            .collect()
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
