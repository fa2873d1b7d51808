use imagefleet_model::{Access, ImageStatus, Verb};
use sea_orm::Value;

use super::filter::{ImageFilter, words};
use super::selection::limited;
use crate::{scope, sql};

/// Conditions in SQL over `images i` and `image_references r`, with their values.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// What `$1`, `$2`, … stand for.
    pub values: Vec<Value>,
    all: Vec<String>,
    limited: bool,
}

impl Conditions {
    /// What a filter says of the places of images, and rights that differ from server to server. What they say of
    /// references is found in memory.
    pub fn of(filter: &ImageFilter, access: &Access) -> Self {
        let mut conditions = Self {
            values: Vec::new(),
            all: placed(filter),
            limited: limited(access),
        };
        if conditions.limited {
            let seen = scope::condition(
                access,
                Verb::ImageView,
                "i.server_id",
                "r.repository",
                &mut conditions.values,
            );
            conditions.all.extend(seen);
        }
        conditions
    }

    /// The tables that it speaks of. Those who walk far along an index of images look into references only when they
    /// must.
    pub fn tables(&self) -> &'static str {
        if self.limited {
            "images i JOIN image_references r ON r.id = i.reference_id"
        } else {
            "images i"
        }
    }

    /// One more condition.
    pub fn and(&mut self, condition: String) {
        self.all.push(condition);
    }

    /// One more value; its number.
    pub fn value(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.values.len()
    }

    /// All of it after `WHERE`.
    pub fn text(&self) -> String {
        if self.all.is_empty() {
            "1 = 1".to_owned()
        } else {
            self.all.join(" AND ")
        }
    }
}

/// What a filter says of `images i` alone.
fn placed(filter: &ImageFilter) -> Vec<String> {
    let mut conditions = Vec::new();
    if !filter.server_ids.is_empty() {
        conditions.push(format!("i.server_id IN ({})", sql::numbers(&filter.server_ids)));
    }
    if !filter.statuses.is_empty() {
        conditions.push(format!("i.status IN ({})", words(&filter.statuses)));
        if !filter.statuses.contains(&ImageStatus::Available) {
            // In the words of the index that knows these alone.
            conditions.push("i.status <> 'AVAILABLE'".to_owned());
        }
    }
    match filter.unused {
        Some(true) => conditions.push("NOT i.in_use".to_owned()),
        Some(false) => conditions.push("i.in_use".to_owned()),
        None => {}
    }
    conditions
}
