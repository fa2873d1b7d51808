use imagefleet_model::{Access, ImageId, ImageStatus, Page, PageRequest, ServerId, ServerStatus};
use sea_orm::FromQueryResult;
use serde::Serialize;

use super::filter::{Conditions, ImageFilter};
use crate::{Result, Store, sql};

/// A reference with the servers that hold it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageGroup {
    /// Familiar repository.
    pub repository: String,
    /// The tag; null when untagged.
    pub tag: Option<String>,
    /// The familiar form, or the engine id when untagged.
    pub full_name: String,
    /// The catalogue entry of exactly this repository.
    pub software_id: Option<i64>,
    /// How many servers it is shown on.
    pub server_count: u64,
    /// The different digests that servers hold under this reference.
    pub digests: Vec<String>,
    /// Whether servers hold different content under this reference, whatever the filter shows of them.
    pub drift: bool,
    /// Bytes over all placements.
    pub total_size: u64,
    /// The servers that hold it and match, by name.
    pub placements: Vec<Placement>,
}

/// A reference on one server.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    /// The image row.
    pub image_id: ImageId,
    /// The server.
    pub server_id: ServerId,
    /// Its name.
    pub server_name: String,
    /// Whether it can be worked with.
    pub server_status: ServerStatus,
    /// What is happening with the image there.
    pub status: ImageStatus,
    /// Bytes there.
    pub size: u64,
    /// Repository digest there.
    pub digest: Option<String>,
    /// `linux/amd64`, when known.
    pub platform: Option<String>,
    /// Whether a container uses it there.
    pub in_use: bool,
}

#[derive(FromQueryResult)]
struct ReferenceRow {
    id: i64,
    repository: String,
    tag: Option<String>,
    full_name: String,
    software_id: Option<i64>,
}

#[derive(FromQueryResult)]
struct PlacementRow {
    id: i64,
    reference_id: i64,
    server_id: i64,
    server_name: String,
    server_enabled: bool,
    server_status: String,
    engine_id: String,
    digest: Option<String>,
    fingerprint: Option<String>,
    size: i64,
    platform: Option<String>,
    status: String,
    in_use: bool,
    matches: bool,
}

impl Store {
    /// One page of references with their placements that match and that the caller may see, by name.
    pub async fn images_by_image(
        &self,
        filter: &ImageFilter,
        descending: bool,
        access: &Access,
        page: PageRequest,
    ) -> Result<Page<ImageGroup>> {
        let mut conditions = Conditions::new(filter, access, self.is_sqlite());
        let mut groups = conditions.reference.clone();
        if !conditions.image.is_empty() {
            groups.push(format!(
                "EXISTS (SELECT 1 FROM images i WHERE i.reference_id = r.id AND {})",
                conditions.image.join(" AND ")
            ));
        }
        let groups = if groups.is_empty() { "1 = 1".to_owned() } else { groups.join(" AND ") };
        let total = sql::number(
            &self.db,
            &format!("SELECT COUNT(*) FROM image_references r WHERE {groups}"),
            conditions.values.clone(),
        )
        .await?;
        let limit = conditions.value(sql::signed(page.size).into());
        let offset = conditions.value(sql::signed(page.offset()).into());
        let down = if descending { "DESC" } else { "ASC" };
        let rows: Vec<ReferenceRow> = sql::all(
            &self.db,
            &format!(
                "SELECT r.id, r.repository, r.tag, r.full_name, r.software_id FROM image_references r \
                 WHERE {groups} ORDER BY r.full_name {down}, r.id LIMIT ${limit} OFFSET ${offset}"
            ),
            conditions.values,
        )
        .await?;
        let items = self.groups(rows, filter, access).await?;
        Ok(Page::new(items, sql::unsigned(total), page))
    }

    async fn groups(
        &self,
        references: Vec<ReferenceRow>,
        filter: &ImageFilter,
        access: &Access,
    ) -> Result<Vec<ImageGroup>> {
        if references.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = references.iter().map(|row| row.id.to_string()).collect();
        let placed_only = ImageFilter {
            server_ids: filter.server_ids.clone(),
            statuses: filter.statuses.clone(),
            unused: filter.unused,
            ..ImageFilter::default()
        };
        let matches = Conditions::new(&placed_only, &Access::full(), self.is_sqlite()).all();
        let seen = Conditions::new(&ImageFilter::default(), access, self.is_sqlite());
        let rows: Vec<PlacementRow> = sql::all(
            &self.db,
            &format!(
                "SELECT i.id, i.reference_id, i.server_id, s.name AS server_name, s.enabled AS server_enabled, \
                 s.status AS server_status, i.engine_id, i.digest, i.fingerprint, i.size, i.platform, i.status, \
                 i.in_use, ({matches}) AS matches FROM images i JOIN servers s ON s.id = i.server_id \
                 JOIN image_references r ON r.id = i.reference_id \
                 WHERE i.reference_id IN ({}) AND {} ORDER BY s.name",
                ids.join(", "),
                seen.all()
            ),
            seen.values,
        )
        .await?;
        let mut placed: std::collections::HashMap<i64, Vec<PlacementRow>> = std::collections::HashMap::new();
        for row in rows {
            placed.entry(row.reference_id).or_default().push(row);
        }
        Ok(references
            .into_iter()
            .map(|reference| {
                let rows = placed.remove(&reference.id).unwrap_or_default();
                group(reference, rows)
            })
            .collect())
    }
}

fn group(reference: ReferenceRow, rows: Vec<PlacementRow>) -> ImageGroup {
    let mut digests: Vec<String> = rows.iter().filter_map(|row| row.digest.clone()).collect();
    digests.sort_unstable();
    digests.dedup();
    let drift = drifts(&rows);
    let placements: Vec<Placement> = rows.into_iter().filter(|row| row.matches).map(placement).collect();
    ImageGroup {
        repository: reference.repository,
        tag: reference.tag,
        full_name: reference.full_name,
        software_id: reference.software_id,
        server_count: placements.len() as u64,
        digests,
        drift,
        total_size: placements.iter().map(|placement| placement.size).sum(),
        placements,
    }
}

/// Whether nothing proves that all placements hold the same: image stores give one content different ids, and only
/// what was pulled or pushed has a digest.
fn drifts(rows: &[PlacementRow]) -> bool {
    let held: Vec<&PlacementRow> = rows.iter().filter(|row| !row.engine_id.is_empty()).collect();
    let Some(first) = held.first() else {
        return false;
    };
    let one_digest = first.digest.is_some() && held.iter().all(|row| row.digest == first.digest);
    let one_content =
        first.fingerprint.is_some() && held.iter().all(|row| row.fingerprint == first.fingerprint);
    let one_id = held.iter().all(|row| row.engine_id == first.engine_id);
    !one_digest && !one_content && !one_id
}

fn placement(row: PlacementRow) -> Placement {
    Placement {
        image_id: row.id,
        server_id: row.server_id,
        server_name: row.server_name,
        server_status: if row.server_enabled {
            ServerStatus::from_word(&row.server_status).unwrap_or(ServerStatus::Offline)
        } else {
            ServerStatus::Disabled
        },
        status: ImageStatus::from_word(&row.status).unwrap_or(ImageStatus::Available),
        size: sql::unsigned(row.size),
        digest: row.digest,
        platform: row.platform,
        in_use: row.in_use,
    }
}
