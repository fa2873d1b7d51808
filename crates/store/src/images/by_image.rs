use std::collections::HashMap;

use imagefleet_model::{Access, ImageId, ImageStatus, Page, PageRequest, ServerId, ServerStatus};
use sea_orm::FromQueryResult;
use serde::Serialize;

use super::filter::{ALL, Conditions, ImageFilter, joined, placed, weight};
use super::walk::Walk;
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
        let conditions = Conditions::new(&self.db, filter, access).await?;
        let weight = weight(filter).filter(|_| !conditions.limited && filter.server_ids.is_empty());
        let total = if *filter == ImageFilter::default() && conditions.all() == ALL {
            Some(sql::number(&self.db, "SELECT COUNT(*) FROM image_references", vec![]).await?)
        } else {
            None
        };
        let mut references = conditions.reference.clone();
        if let Some(weight) = weight {
            references.push(format!("{weight} > 0"));
        } else {
            references.push(format!(
                "r.id IN (SELECT i.reference_id FROM images i JOIN image_references r ON r.id = i.reference_id \
                 WHERE {})",
                conditions.all()
            ));
        }
        let walk = Walk {
            conditions: references,
            values: conditions.values,
            weight: "1".to_owned(),
            descending,
        };
        let (offset, size) = (sql::signed(page.offset()), sql::signed(page.size));
        let mut slice = walk.slice(&self.db, offset, size, total).await?;
        // Each counts one: what is before the page goes.
        let before = usize::try_from(slice.skip)
            .unwrap_or(usize::MAX)
            .min(slice.references.len());
        slice.references.drain(..before);
        let items = self.groups(&slice.references, filter, access).await?;
        Ok(Page::new(items, sql::unsigned(slice.total), page))
    }

    async fn groups(&self, ids: &[i64], filter: &ImageFilter, access: &Access) -> Result<Vec<ImageGroup>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let references: Vec<ReferenceRow> = sql::all(
            &self.db,
            &format!(
                "SELECT id, repository, tag, full_name, software_id FROM image_references WHERE id IN ({})",
                sql::numbers(ids)
            ),
            vec![],
        )
        .await?;
        let mut references: HashMap<i64, ReferenceRow> =
            references.into_iter().map(|row| (row.id, row)).collect();
        let matches = joined(placed(filter).iter());
        let seen = Conditions::new(&self.db, &ImageFilter::default(), access).await?;
        let rows: Vec<PlacementRow> = sql::all(
            &self.db,
            &format!(
                "SELECT i.id, i.reference_id, i.server_id, s.name AS server_name, s.enabled AS server_enabled, \
                 s.status AS server_status, i.engine_id, i.digest, i.fingerprint, i.size, i.platform, i.status, \
                 i.in_use, ({matches}) AS matches FROM images i JOIN servers s ON s.id = i.server_id \
                 JOIN image_references r ON r.id = i.reference_id \
                 WHERE i.reference_id IN ({}) AND {} ORDER BY s.name",
                sql::numbers(ids),
                seen.all()
            ),
            seen.values,
        )
        .await?;
        let mut placements: HashMap<i64, Vec<PlacementRow>> = HashMap::new();
        for row in rows {
            placements.entry(row.reference_id).or_default().push(row);
        }
        // A reference that went away meanwhile has no group any more.
        let groups = ids.iter().filter_map(|id| {
            let reference = references.remove(id)?;
            Some(group(reference, placements.remove(id).unwrap_or_default()))
        });
        Ok(groups.collect())
    }
}

fn group(reference: ReferenceRow, rows: Vec<PlacementRow>) -> ImageGroup {
    let mut digests: Vec<String> = rows.iter().filter_map(|row| row.digest.clone()).collect();
    digests.sort_unstable();
    digests.dedup();
    let drift = drifts(&rows);
    let placements: Vec<Placement> = rows
        .into_iter()
        .filter(|row| row.matches)
        .map(placement)
        .collect();
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
