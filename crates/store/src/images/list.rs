use imagefleet_model::{Access, Image, ImageStatus, Page, PageRequest};
use sea_orm::FromQueryResult;

use super::filter::{Conditions, ImageFilter, ImageSort, SortKey, weight};
use super::kept;
use super::walk::Walk;
use crate::{Result, Store, sql};

#[derive(FromQueryResult)]
struct Id {
    id: i64,
}

/// A page by row ids: the rows themselves are read once they are known.
struct Found {
    total: i64,
    ids: Vec<i64>,
}

impl Store {
    /// One page of the images that match and that the caller may see.
    pub async fn list_images(
        &self,
        filter: &ImageFilter,
        sort: ImageSort,
        access: &Access,
        page: PageRequest,
    ) -> Result<Page<Image>> {
        let conditions = Conditions::new(&self.db, filter, access).await?;
        let free = !conditions.limited && conditions.reference.is_empty();
        let kept = if free {
            kept::per_server(&self.db, filter).await?
        } else {
            None
        };
        let total = kept.as_deref().map(kept::total);
        let (offset, size) = (sql::signed(page.offset()), sql::signed(page.size));
        let everything = *filter == ImageFilter::default();
        let found = match (sort.key, kept) {
            (SortKey::Name, _) => {
                self.by_name(filter, &conditions, sort, offset, size, total)
                    .await?
            }
            (SortKey::Size | SortKey::Created | SortKey::Updated, Some(kept)) if everything => {
                self.by_index(sort, offset, size, kept::total(&kept)).await?
            }
            (SortKey::Server, Some(mut kept)) => {
                if sort.descending {
                    kept.reverse();
                }
                let parts = kept
                    .iter()
                    .map(|server| (kept::on_server(filter, server.server_id), server.images))
                    .collect();
                self.by_parts(parts, offset, size).await?
            }
            (SortKey::Status, Some(_)) if filter.unused.is_none() => {
                self.by_status(filter, sort, offset, size).await?
            }
            (_, _) => {
                self.by_sorting(filter, &conditions, sort, offset, size, total)
                    .await?
            }
        };
        let mut items = self.images_by_ids(&found.ids).await?;
        self.hide_users(&mut items, access).await?;
        Ok(Page::new(items, sql::unsigned(found.total), page))
    }

    async fn by_name(
        &self,
        filter: &ImageFilter,
        conditions: &Conditions,
        sort: ImageSort,
        offset: i64,
        size: i64,
        total: Option<i64>,
    ) -> Result<Found> {
        let weight = weight(filter).filter(|_| !conditions.limited && filter.server_ids.is_empty());
        let Some(weight) = weight else {
            if let (Some(total), [_]) = (total, filter.server_ids.as_slice())
                && walking_pays(self.reference_count().await?, total, offset.saturating_add(size))
            {
                let ids = self
                    .ids(&walking(conditions, sort), conditions, size, offset)
                    .await?;
                return Ok(Found { total, ids });
            }
            return self
                .by_sorting(filter, conditions, sort, offset, size, total)
                .await;
        };
        let walk = Walk {
            conditions: conditions.reference.clone(),
            values: conditions.values.clone(),
            weight,
            descending: sort.descending,
        };
        let slice = walk.slice(&self.db, offset, size, total).await?;
        if slice.references.is_empty() {
            return Ok(Found {
                total: slice.total,
                ids: Vec::new(),
            });
        }
        let mut these = Conditions {
            image: conditions.image.clone(),
            ..Conditions::default()
        };
        these
            .image
            .push(format!("i.reference_id IN ({})", sql::numbers(&slice.references)));
        let ids = self
            .ids(
                &sorting(&ImageFilter::default(), &these, sort),
                &these,
                size,
                slice.skip,
            )
            .await?;
        Ok(Found {
            total: slice.total,
            ids,
        })
    }

    /// Along an index of the sort's column, from the nearer end.
    async fn by_index(&self, sort: ImageSort, offset: i64, size: i64, total: i64) -> Result<Found> {
        let column = match sort.key {
            SortKey::Size => "i.size",
            SortKey::Created => "i.created_at",
            _ => "i.updated_at",
        };
        let size = size.min(total.saturating_sub(offset).max(0));
        let from_end = offset > total / 2;
        let offset = if from_end {
            (total - offset - size).max(0)
        } else {
            offset
        };
        let order = if sort.descending == from_end {
            format!("{column} ASC NULLS FIRST, i.id ASC")
        } else {
            format!("{column} DESC NULLS LAST, i.id DESC")
        };
        let query = format!("SELECT i.id FROM images i ORDER BY {order}");
        let mut ids = self.ids(&query, &Conditions::default(), size, offset).await?;
        if from_end {
            ids.reverse();
        }
        Ok(Found { total, ids })
    }

    async fn by_status(
        &self,
        filter: &ImageFilter,
        sort: ImageSort,
        offset: i64,
        size: i64,
    ) -> Result<Found> {
        let mut statuses = ImageStatus::ALL.to_vec();
        statuses.sort_unstable_by_key(|status| status.as_str());
        if sort.descending {
            statuses.reverse();
        }
        statuses.retain(|status| filter.statuses.is_empty() || filter.statuses.contains(status));
        let mut parts = Vec::with_capacity(statuses.len());
        for status in statuses {
            let part = ImageFilter {
                statuses: vec![status],
                ..filter.clone()
            };
            let counts = kept::per_server(&self.db, &part).await?.unwrap_or_default();
            parts.push((part, kept::total(&counts)));
        }
        self.by_parts(parts, offset, size).await
    }

    /// A sequence of filters, each in the order of names.
    async fn by_parts(&self, parts: Vec<(ImageFilter, i64)>, offset: i64, size: i64) -> Result<Found> {
        let mut found = Found {
            total: parts.iter().map(|(_, count)| count).sum(),
            ids: Vec::new(),
        };
        for (part, from, count) in kept::parts(parts.iter().map(|(_, count)| *count), offset, size) {
            let (filter, total) = &parts[part];
            let conditions = Conditions::new(&self.db, filter, &Access::full()).await?;
            let ids = self
                .by_name(
                    filter,
                    &conditions,
                    ImageSort::default(),
                    from,
                    count,
                    Some(*total),
                )
                .await?
                .ids;
            found.ids.extend(ids);
        }
        Ok(found)
    }

    /// What matches, all of it sorted.
    async fn by_sorting(
        &self,
        filter: &ImageFilter,
        conditions: &Conditions,
        sort: ImageSort,
        offset: i64,
        size: i64,
        total: Option<i64>,
    ) -> Result<Found> {
        let total = if let Some(total) = total {
            total
        } else {
            let query = format!(
                "SELECT COUNT(*) FROM {} WHERE r.id = i.reference_id AND {}",
                conditions.tables(filter),
                conditions.all()
            );
            sql::number(&self.db, &query, conditions.values.clone()).await?
        };
        let ids = self
            .ids(&sorting(filter, conditions, sort), conditions, size, offset)
            .await?;
        Ok(Found { total, ids })
    }

    pub(super) async fn reference_count(&self) -> Result<i64> {
        sql::number(&self.db, "SELECT COUNT(*) FROM image_references", vec![]).await
    }

    async fn ids(&self, query: &str, conditions: &Conditions, size: i64, offset: i64) -> Result<Vec<i64>> {
        let mut conditions = conditions.clone();
        let limit = conditions.value(size.into());
        let offset = conditions.value(offset.into());
        let query = format!("{query} LIMIT ${limit} OFFSET ${offset}");
        let rows: Vec<Id> = sql::all(&self.db, &query, conditions.values).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }
}

/// Whether going through all references in order until one server has shown `wanted` of its `images` touches fewer
/// rows than sorting these.
pub(super) fn walking_pays(references: i64, images: i64, wanted: i64) -> bool {
    wanted.saturating_mul(references) < images.saturating_mul(images)
}

pub(super) fn sorting(filter: &ImageFilter, conditions: &Conditions, sort: ImageSort) -> String {
    format!(
        "SELECT i.id FROM {} CROSS JOIN servers s WHERE r.id = i.reference_id AND s.id = i.server_id AND {} \
         ORDER BY {}",
        conditions.tables(filter),
        conditions.all(),
        order(sort)
    )
}

/// References in their order, each asked for its image: `CROSS JOIN` holds `SQLite` to it.
pub(super) fn walking(conditions: &Conditions, sort: ImageSort) -> String {
    let down = if sort.descending { "DESC" } else { "ASC" };
    format!(
        "SELECT i.id FROM image_references r CROSS JOIN images i WHERE i.reference_id = r.id AND {} \
         ORDER BY r.block {down}, r.search {down}, r.id {down}",
        conditions.all()
    )
}

fn order(sort: ImageSort) -> String {
    let (down, nulls) = if sort.descending {
        ("DESC", "LAST")
    } else {
        ("ASC", "FIRST")
    };
    match sort.key {
        SortKey::Name => format!("r.search {down}, r.id {down}, s.name {down}"),
        SortKey::Size => format!("i.size {down}, i.id {down}"),
        SortKey::Created => format!("i.created_at {down} NULLS {nulls}, i.id {down}"),
        SortKey::Updated => format!("i.updated_at {down}, i.id {down}"),
        SortKey::Server => format!("s.name {down}, r.search, r.id"),
        SortKey::Status => format!("i.status {down}, r.search, r.id, s.name"),
    }
}
