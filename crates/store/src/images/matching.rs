//! Which server holds how much of what a search finds: the references that match, laid over what each server is known
//! to hold (`server_inventories`). Image rows are not touched, however many match.

use std::collections::HashMap;

use imagefleet_model::ServerId;
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::by_server::SHOWN;
use super::filter::{Conditions, joined};
use crate::{Result, sql};

/// References that match, in the order of their names.
pub struct Matching {
    /// Place in that order by reference id; `u32::MAX` for those that do not match.
    places: Vec<u32>,
}

/// One server's part.
pub struct Match {
    /// The server.
    pub server_id: ServerId,
    /// How many of its images match.
    pub images: i64,
    /// The references of the first ones, by name.
    pub first: Vec<i64>,
}

#[derive(FromQueryResult)]
struct Text {
    text: Option<String>,
}

#[derive(FromQueryResult)]
struct Held {
    server_id: i64,
    reference_ids: String,
}

#[derive(FromQueryResult)]
struct Sized {
    server_id: i64,
    reference_ids: String,
    contents: String,
}

impl Matching {
    /// Looks for the references that match.
    pub async fn find(db: &impl ConnectionTrait, conditions: &Conditions) -> Result<Self> {
        // One text rather than a row each: a tenth of the time.
        let query = format!(
            "SELECT string_agg(CAST(id AS TEXT), ',') AS text FROM (SELECT r.id FROM image_references r WHERE {} \
             ORDER BY r.block, r.search, r.id) AS m",
            joined(conditions.reference.iter())
        );
        let row: Option<Text> = sql::one(db, &query, conditions.values.clone()).await?;
        let text = row.and_then(|row| row.text).unwrap_or_default();
        let mut places = vec![u32::MAX; numbers(&text).max().map_or(0, |highest| highest + 1)];
        for (place, id) in (0..).zip(numbers(&text)) {
            places[id] = place;
        }
        Ok(Self { places })
    }

    /// Every server with images that match, in the order of their names.
    pub async fn per_server(&self, db: &impl ConnectionTrait, servers: &[ServerId]) -> Result<Vec<Match>> {
        if self.places.is_empty() {
            return Ok(Vec::new());
        }
        let among = if servers.is_empty() {
            String::new()
        } else {
            format!("WHERE s.id IN ({})", sql::numbers(servers))
        };
        let query = format!(
            "SELECT h.server_id, h.reference_ids FROM server_inventories h JOIN servers s ON s.id = h.server_id \
             {among} ORDER BY s.name"
        );
        let held: Vec<Held> = sql::all(db, &query, vec![]).await?;
        let matches = held.iter().map(|held| self.on_server(held));
        Ok(matches.filter(|found| found.images > 0).collect())
    }

    /// Bytes of what matches on these servers, each content once.
    pub async fn sizes(
        &self,
        db: &impl ConnectionTrait,
        servers: &[ServerId],
    ) -> Result<HashMap<ServerId, i64>> {
        let query = format!(
            "SELECT server_id, reference_ids, contents FROM server_inventories WHERE server_id IN ({})",
            sql::numbers(servers)
        );
        let rows: Vec<Sized> = sql::all(db, &query, vec![]).await?;
        let sizes = rows.iter().map(|row| {
            let found = numbers(&row.reference_ids)
                .zip(row.contents.split(','))
                .filter(|(id, _)| self.place(*id).is_some())
                .filter_map(|(_, content)| content.split_once(':'))
                .map(|(size, content)| (content, size.parse().unwrap_or(0)));
            let contents: HashMap<&str, i64> = found.collect();
            (row.server_id, contents.values().sum())
        });
        Ok(sizes.collect())
    }

    fn on_server(&self, held: &Held) -> Match {
        let shown = usize::try_from(SHOWN).unwrap_or_default();
        let mut images = 0;
        let mut first: Vec<(u32, usize)> = Vec::with_capacity(shown + 1);
        for id in numbers(&held.reference_ids) {
            let Some(place) = self.place(id) else {
                continue;
            };
            images += 1;
            if first.len() < shown || first.last().is_some_and(|(last, _)| place < *last) {
                let at = first.partition_point(|(other, _)| *other < place);
                first.insert(at, (place, id));
                first.truncate(shown);
            }
        }
        Match {
            server_id: held.server_id,
            images,
            first: first
                .into_iter()
                .filter_map(|(_, id)| i64::try_from(id).ok())
                .collect(),
        }
    }

    fn place(&self, id: usize) -> Option<u32> {
        self.places.get(id).copied().filter(|place| *place != u32::MAX)
    }
}

/// `12,34,5` as numbers.
fn numbers(text: &str) -> impl Iterator<Item = usize> {
    text.split(',').filter_map(|number| number.parse().ok())
}
