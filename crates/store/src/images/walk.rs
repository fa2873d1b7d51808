use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::filter::joined;
use crate::{Result, sql};

/// References in the order of their names, each with how much it counts: images for the list, one for the groups.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Conditions over `image_references r`.
    pub conditions: Vec<String>,
    /// Their values.
    pub values: Vec<Value>,
    /// How much a reference counts, over its kept counts; those that count nothing are left out.
    pub weight: String,
    /// Last name first.
    pub descending: bool,
}

/// A page of a walk.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// How much all references count.
    pub total: i64,
    /// The references that the page touches, in order.
    pub references: Vec<i64>,
    /// How much of the first one lies before the page.
    pub skip: i64,
}

#[derive(FromQueryResult)]
struct Block {
    block: i64,
    n: i64,
}

#[derive(FromQueryResult)]
struct Counted {
    id: i64,
    before: i64,
}

#[derive(FromQueryResult)]
struct Id {
    id: i64,
}

/// The first pages are read straight on; further ones are looked up by blocks.
const NEAR: i64 = 200;

impl Walk {
    /// From `offset` on as many as `size` count. `total` is what all count, when that is known.
    pub async fn slice(
        &self,
        db: &impl ConnectionTrait,
        offset: i64,
        size: i64,
        total: Option<i64>,
    ) -> Result<Slice> {
        if let Some(total) = total.filter(|_| offset.saturating_add(size) <= NEAR) {
            return self.near(db, offset, size, total).await;
        }
        let down = if self.descending { "DESC" } else { "ASC" };
        let weight = &self.weight;
        let blocks: Vec<Block> = sql::all(
            db,
            &format!(
                "SELECT r.block, CAST(SUM({weight}) AS BIGINT) AS n FROM image_references r WHERE {} \
                 GROUP BY r.block ORDER BY r.block {down}",
                // Those that count nothing add nothing.
                joined(self.conditions.iter())
            ),
            self.values.clone(),
        )
        .await?;
        let total = blocks.iter().map(|block| block.n).sum();
        let end = offset.saturating_add(size);
        let (mut before, mut first, mut last) = (0, None, None);
        for block in &blocks {
            if before + block.n > offset && before < end {
                first = first.or(Some((block.block, before)));
                last = Some(block.block);
            }
            before += block.n;
        }
        let (Some((first, before)), Some(last)) = (first, last) else {
            return Ok(Slice {
                total,
                ..Slice::default()
            });
        };
        let (low, high) = (first.min(last), first.max(last));
        let rows: Vec<Counted> = sql::all(
            db,
            &format!(
                "SELECT id, upto - n AS before FROM (SELECT r.id, {weight} AS n, CAST(SUM({weight}) OVER \
                 (ORDER BY r.block {down}, r.search {down}, r.id {down} ROWS UNBOUNDED PRECEDING) AS BIGINT) AS upto \
                 FROM image_references r WHERE {} AND r.block BETWEEN {low} AND {high}) AS w \
                 WHERE upto > {} AND upto - n < {} ORDER BY upto",
                self.matching(),
                offset - before,
                end - before
            ),
            self.values.clone(),
        )
        .await?;
        Ok(Slice {
            total,
            skip: rows.first().map_or(0, |row| offset - before - row.before),
            references: rows.into_iter().map(|row| row.id).collect(),
        })
    }

    /// Every reference counts at least one: so many are enough, the page's own query leaves out what is before it.
    async fn near(&self, db: &impl ConnectionTrait, offset: i64, size: i64, total: i64) -> Result<Slice> {
        let down = if self.descending { "DESC" } else { "ASC" };
        let rows: Vec<Id> = sql::all(
            db,
            &format!(
                "SELECT r.id FROM image_references r WHERE {} \
                 ORDER BY r.block {down}, r.search {down}, r.id {down} LIMIT {}",
                self.matching(),
                offset + size
            ),
            self.values.clone(),
        )
        .await?;
        Ok(Slice {
            total,
            references: rows.into_iter().map(|row| row.id).collect(),
            skip: offset,
        })
    }

    fn matching(&self) -> String {
        let counts = format!("{} > 0", self.weight);
        joined(self.conditions.iter().chain([&counts]))
    }
}
