use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use imagefleet_model::{Access, ImageId, ImageStatus, Page, PageRequest, ServerId, ServerStatus, Verb};
use serde::{Deserialize, Serialize};

use super::filter::ImageFilter;
use super::selection::{Selection, servers_to_count};
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
    /// How many different contents that are, as far as anything proves two of them equal.
    pub versions: u32,
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
    /// Which of the group's versions it is, from 1 for the one that most servers hold; null when nothing is there yet.
    pub version: Option<u32>,
    /// `linux/amd64`, when known.
    pub platform: Option<String>,
    /// Whether a container uses it there.
    pub in_use: bool,
}

#[derive(Deserialize)]
struct ReferenceRow {
    id: i64,
    repository: String,
    tag: Option<String>,
    full_name: String,
    software_id: Option<i64>,
}

#[derive(Deserialize)]
struct PlacementRow {
    id: i64,
    reference_id: i64,
    server_id: i64,
    server_name: String,
    server_enabled: i64,
    server_status: String,
    engine_id: String,
    digest: Option<String>,
    fingerprint: Option<String>,
    size: i64,
    platform: Option<String>,
    status: String,
    in_use: i64,
}

/// What [`PlacementRow`] reads, of `images i` and `servers s`.
const PLACEMENT: &str = "i.id, i.reference_id, i.server_id, s.name, CAST(s.enabled AS INTEGER), s.status, \
    i.engine_id, i.digest, i.fingerprint, i.size, i.platform, i.status, CAST(i.in_use AS INTEGER)";

impl Store {
    /// One page of references with their placements that match and that the caller may see, by name.
    pub async fn images_by_image(
        &self,
        filter: &ImageFilter,
        descending: bool,
        access: &Access,
        page: PageRequest,
    ) -> Result<Page<ImageGroup>> {
        let slice = self
            .in_memory(&servers_to_count(filter, access), |known| {
                Selection::new(known, filter, access).references(page.offset(), page.size, descending)
            })
            .await?;
        let items = self.groups(&slice.parts, filter, access).await?;
        Ok(Page::new(items, slice.total, page))
    }

    async fn groups(&self, ids: &[i64], filter: &ImageFilter, access: &Access) -> Result<Vec<ImageGroup>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let among = sql::numbers(ids);
        let references: Vec<ReferenceRow> = sql::many(
            &self.db,
            "id, repository, tag, full_name, software_id",
            &format!("image_references WHERE id IN ({among})"),
            vec![],
        )
        .await?;
        let mut references: HashMap<i64, ReferenceRow> =
            references.into_iter().map(|row| (row.id, row)).collect();
        let mut rows: Vec<PlacementRow> = sql::many(
            &self.db,
            PLACEMENT,
            &format!(
                "images i CROSS JOIN servers s WHERE s.id = i.server_id AND i.reference_id IN ({among})"
            ),
            vec![],
        )
        .await?;
        rows.sort_unstable_by(|one, other| one.server_name.cmp(&other.server_name));
        let mut placements: HashMap<i64, Vec<PlacementRow>> = HashMap::new();
        for row in rows {
            let seen = |reference: &ReferenceRow| {
                access.on_image(Verb::ImageView, row.server_id, &reference.repository)
            };
            if references.get(&row.reference_id).is_some_and(seen) {
                placements.entry(row.reference_id).or_default().push(row);
            }
        }
        // A reference that went away meanwhile has no group any more.
        let groups = ids.iter().filter_map(|id| {
            let reference = references.remove(id)?;
            let placements = placements.remove(id).unwrap_or_default();
            Some(group(reference, placements, filter))
        });
        Ok(groups.collect())
    }
}

impl PlacementRow {
    fn status(&self) -> ImageStatus {
        ImageStatus::from_word(&self.status).unwrap_or(ImageStatus::Available)
    }

    /// Whether the filter means it; of its reference that is known.
    fn matches(&self, filter: &ImageFilter) -> bool {
        (filter.server_ids.is_empty() || filter.server_ids.contains(&self.server_id))
            && filter.allows(self.status(), self.in_use != 0)
    }
}

fn group(reference: ReferenceRow, rows: Vec<PlacementRow>, filter: &ImageFilter) -> ImageGroup {
    let mut digests: Vec<String> = rows.iter().filter_map(|row| row.digest.clone()).collect();
    digests.sort_unstable();
    digests.dedup();
    let numbers = versions(&rows);
    let versions = numbers.iter().flatten().max().copied().unwrap_or_default();
    let placements: Vec<Placement> = rows
        .into_iter()
        .zip(numbers)
        .filter(|(row, _)| row.matches(filter))
        .map(|(row, version)| placement(row, version))
        .collect();
    ImageGroup {
        repository: reference.repository,
        tag: reference.tag,
        full_name: reference.full_name,
        software_id: reference.software_id,
        server_count: placements.len() as u64,
        digests,
        drift: versions > 1,
        versions,
        total_size: placements.iter().map(|placement| placement.size).sum(),
        placements,
    }
}

/// Numbers the contents: image stores give one content different ids, and only what was pulled or pushed has a digest,
/// so that an equal id, digest or fingerprint each proves two placements equal.
fn versions(rows: &[PlacementRow]) -> Vec<Option<u32>> {
    // Each row leads to an earlier one of the same content, the first one to itself.
    let mut leads: Vec<usize> = (0..rows.len()).collect();
    let mut known: HashMap<(u8, &str), usize> = HashMap::new();
    let held = |at: &usize| !rows[*at].engine_id.is_empty();
    for at in (0..rows.len()).filter(held) {
        let row = &rows[at];
        let proofs = [
            Some(row.engine_id.as_str()),
            row.digest.as_deref(),
            row.fingerprint.as_deref(),
        ];
        for (kind, proof) in (0..).zip(proofs) {
            let Some(proof) = proof else { continue };
            let seen = *known.entry((kind, proof)).or_insert(at);
            let (one, other) = (first_of(&mut leads, at), first_of(&mut leads, seen));
            leads[one.max(other)] = one.min(other);
        }
    }
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for at in (0..rows.len()).filter(held) {
        *sizes.entry(first_of(&mut leads, at)).or_default() += 1;
    }
    let mut order: Vec<(usize, usize)> = sizes.into_iter().collect();
    order.sort_by_key(|(_, size)| Reverse(*size));
    let numbers: HashMap<usize, u32> = order.into_iter().map(|(first, _)| first).zip(1..).collect();
    (0..rows.len())
        .map(|at| held(&at).then(|| numbers[&first_of(&mut leads, at)]))
        .collect()
}

fn first_of(leads: &mut [usize], mut at: usize) -> usize {
    while leads[at] != at {
        leads[at] = leads[leads[at]];
        at = leads[at];
    }
    at
}

fn placement(row: PlacementRow, version: Option<u32>) -> Placement {
    let status = row.status();
    Placement {
        image_id: row.id,
        server_id: row.server_id,
        server_name: row.server_name,
        status,
        server_status: if row.server_enabled != 0 {
            ServerStatus::from_word(&row.server_status).unwrap_or(ServerStatus::Offline)
        } else {
            ServerStatus::Disabled
        },
        size: sql::unsigned(row.size),
        digest: row.digest,
        version,
        platform: row.platform,
        in_use: row.in_use != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{PlacementRow, versions};

    fn row(engine_id: &str, digest: Option<&str>, fingerprint: Option<&str>) -> PlacementRow {
        PlacementRow {
            id: 1,
            reference_id: 1,
            server_id: 1,
            server_name: String::new(),
            server_enabled: 1,
            server_status: "online".to_owned(),
            engine_id: engine_id.to_owned(),
            digest: digest.map(ToOwned::to_owned),
            fingerprint: fingerprint.map(ToOwned::to_owned),
            size: 1,
            platform: None,
            status: "AVAILABLE".to_owned(),
            in_use: 0,
        }
    }

    #[test]
    fn equal_content_is_one_version_whatever_proves_it() {
        let rows = [
            row("id-1", Some("d"), None),
            row("id-2", Some("d"), Some("f")),
            row("id-3", None, Some("f")),
            row("", None, None),
        ];
        assert_eq!(versions(&rows), [Some(1), Some(1), Some(1), None]);
    }

    #[test]
    fn the_first_version_is_the_one_that_most_hold() {
        let rows = [
            row("odd", None, None),
            row("id", Some("a"), None),
            row("id", Some("b"), None),
        ];
        assert_eq!(versions(&rows), [Some(2), Some(1), Some(1)]);
    }
}
