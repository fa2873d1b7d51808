//! Which server holds how much of what a search finds: the references that match, laid over what each server is known
//! to hold. Image rows are not touched, however many match.

use std::sync::Arc;

use imagefleet_model::ServerId;
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::by_server::SHOWN;
use super::filter::{Conditions, joined};
use super::held::Held;
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

    /// Every server with images that match, in the order given.
    pub fn per_server(&self, held: &[(ServerId, Arc<Held>)]) -> Vec<Match> {
        held.iter()
            .map(|(server, held)| self.on_server(*server, held))
            .filter(|found| found.images > 0)
            .collect()
    }

    /// Bytes of what matches on a server, each content once.
    pub fn size(&self, held: &Held) -> i64 {
        let contents = held.contents.iter().map(|(content, _)| *content).max();
        let mut seen = vec![false; contents.map_or(0, |highest| highest as usize + 1)];
        held.references
            .iter()
            .zip(&held.contents)
            .filter(|(id, _)| self.place(**id).is_some())
            .filter(|(_, (content, _))| !std::mem::replace(&mut seen[*content as usize], true))
            .map(|(_, (_, size))| size)
            .sum()
    }

    fn on_server(&self, server_id: ServerId, held: &Held) -> Match {
        let shown = usize::try_from(SHOWN).unwrap_or_default();
        let mut images = 0;
        let mut first: Vec<(u32, u32)> = Vec::with_capacity(shown + 1);
        for &id in &held.references {
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
            server_id,
            images,
            first: first.into_iter().map(|(_, id)| i64::from(id)).collect(),
        }
    }

    fn place(&self, id: u32) -> Option<u32> {
        self.places
            .get(id as usize)
            .copied()
            .filter(|place| *place != u32::MAX)
    }
}

/// `12,34,5` as numbers.
fn numbers(text: &str) -> impl Iterator<Item = usize> {
    text.split(',').filter_map(|number| number.parse().ok())
}
