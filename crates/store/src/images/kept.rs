use imagefleet_model::ServerId;
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::filter::{ImageFilter, words};
use crate::inventory::UNUSED;
use crate::{Result, sql};

/// How many images of a server match, and their bytes.
#[derive(Debug, Clone, Copy, FromQueryResult)]
pub struct Kept {
    pub server_id: i64,
    pub images: i64,
    pub total_size: i64,
}

/// Images and bytes of every server, in the order of their names, from the counts that are kept; `None` when these do
/// not tell: they know servers, and one of status and use.
pub async fn per_server(db: &impl ConnectionTrait, filter: &ImageFilter) -> Result<Option<Vec<Kept>>> {
    let about_places = ImageFilter {
        server_ids: filter.server_ids.clone(),
        statuses: filter.statuses.clone(),
        unused: filter.unused,
        ..ImageFilter::default()
    };
    if *filter != about_places {
        return Ok(None);
    }
    let servers = if filter.server_ids.is_empty() {
        "1 = 1".to_owned()
    } else {
        format!("s.id IN ({})", sql::numbers(&filter.server_ids))
    };
    let kinds = |kinds: &str| {
        format!(
            "SELECT s.id AS server_id, CAST(SUM(c.images) AS BIGINT) AS images, \
             CAST(SUM(c.total_size) AS BIGINT) AS total_size FROM image_counts c JOIN servers s ON s.id = c.server_id \
             WHERE c.kind IN ({kinds}) AND {servers} GROUP BY s.id, s.name ORDER BY s.name"
        )
    };
    let query = match (filter.statuses.as_slice(), filter.unused) {
        ([], None) => format!(
            "SELECT s.id AS server_id, s.image_count AS images, s.total_size FROM servers s \
             WHERE s.image_count > 0 AND {servers} ORDER BY s.name"
        ),
        ([], Some(true)) => kinds(&format!("'{UNUSED}'")),
        // All names of one content are in use or none: sizes can be subtracted.
        ([], Some(false)) => format!(
            "SELECT s.id AS server_id, s.image_count - COALESCE(c.images, 0) AS images, \
             s.total_size - COALESCE(c.total_size, 0) AS total_size FROM servers s \
             LEFT JOIN image_counts c ON c.server_id = s.id AND c.kind = '{UNUSED}' \
             WHERE s.image_count > COALESCE(c.images, 0) AND {servers} ORDER BY s.name"
        ),
        (statuses, None) => kinds(&words(statuses)),
        (_, Some(_)) => return Ok(None),
    };
    sql::all(db, &query, vec![]).await.map(Some)
}

/// What all of them hold together.
pub fn total(kept: &[Kept]) -> i64 {
    kept.iter().map(|server| server.images).sum()
}

/// Which parts of a sequence of `counts` the rows from `offset` on fall into: part, offset in it, how many of it.
pub fn parts(counts: impl Iterator<Item = i64>, offset: i64, size: i64) -> Vec<(usize, i64, i64)> {
    let end = offset.saturating_add(size);
    let mut before = 0;
    let mut parts = Vec::new();
    for (part, count) in counts.enumerate() {
        let from = offset.max(before);
        let to = end.min(before + count);
        if from < to {
            parts.push((part, from - before, to - from));
        }
        before += count;
    }
    parts
}

/// The sizes in [`per_server`] count content once under each status: with several they are too large.
pub fn sizes_hold(filter: &ImageFilter) -> bool {
    filter.statuses.len() <= 1
}

/// One server's part of a filter.
pub fn on_server(filter: &ImageFilter, server_id: ServerId) -> ImageFilter {
    ImageFilter {
        server_ids: vec![server_id],
        ..filter.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_page_falls_into_parts() {
        let parts = |offset, size| parts([3, 0, 5, 2].into_iter(), offset, size);
        assert_eq!(parts(0, 2), [(0, 0, 2)]);
        assert_eq!(parts(2, 4), [(0, 2, 1), (2, 0, 3)]);
        assert_eq!(parts(8, 9), [(3, 0, 2)]);
        assert_eq!(parts(10, 5), []);
        assert_eq!(parts(i64::MAX, 5), []);
    }
}
