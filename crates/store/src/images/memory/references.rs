use std::collections::HashMap;

use serde::Deserialize;

use super::names::Names;
use crate::inventory::COLUMNS;

/// What [`Row`] reads, of `image_references`.
pub fn columns() -> String {
    format!("id, search, repository, tag, software_id, {}", COLUMNS.join(", "))
}

/// A reference as it is stored.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    id: i64,
    search: String,
    repository: String,
    tag: Option<String>,
    software_id: Option<i64>,
    placements: i64,
    pulling: i64,
    pull_failed: i64,
    deleting: i64,
    delete_failed: i64,
    start_failed: i64,
    in_use: i64,
}

/// What a reference counts and belongs to; its names are apart.
#[derive(Debug)]
pub struct Record {
    /// Its row.
    pub id: i64,
    /// The catalogue entry of exactly its repository.
    pub software_id: Option<i64>,
    /// In the order of [`COLUMNS`].
    pub counts: [u32; COLUMNS.len()],
    /// Where it stands in the order of names.
    pub place: u32,
}

/// Every reference. Each has a slot as long as it is there, a small number that says nothing; its place in the order of
/// names moves when another one comes or goes.
#[derive(Debug, Default)]
pub struct References {
    names: Names,
    /// The slot at each place.
    slots: Vec<u32>,
    /// At each slot.
    records: Vec<Record>,
    /// Slots that nobody has.
    free: Vec<u32>,
    by_id: HashMap<i64, u32>,
}

impl References {
    /// How many slots there are: what is kept for each has so many.
    pub fn slot_count(&self) -> usize {
        self.records.len()
    }

    /// How many images there are of all of them.
    pub fn placements(&self) -> u64 {
        self.slots
            .iter()
            .map(|slot| u64::from(self.record(*slot).counts[0]))
            .sum()
    }

    /// The slots in the order of names.
    pub fn in_order(&self) -> &[u32] {
        &self.slots
    }

    /// What is known of a slot.
    pub fn record(&self, slot: u32) -> &Record {
        &self.records[slot as usize]
    }

    /// The slot of a row.
    pub fn slot(&self, id: i64) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    /// Their names, by place.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Makes them what they are now: `changed` are new or count something else, the rows `gone` are no longer there.
    pub fn apply(&mut self, changed: Vec<Row>, gone: &[i64]) {
        let mut new = Vec::new();
        for row in changed {
            if let Some(slot) = self.slot(row.id) {
                let record = &mut self.records[slot as usize];
                (record.software_id, record.counts) = (row.software_id, row.counts());
            } else {
                new.push(row);
            }
        }
        let gone: Vec<u32> = gone.iter().filter_map(|id| self.by_id.remove(id)).collect();
        if new.is_empty() && gone.is_empty() {
            return;
        }
        new.sort_unstable_by(|one, other| (&one.search, one.id).cmp(&(&other.search, other.id)));
        self.order_anew(new, &gone);
        self.free.extend(gone);
    }

    /// Names and places with the `new` ones, which are in their order, and without those `gone`.
    fn order_anew(&mut self, new: Vec<Row>, gone: &[u32]) {
        let mut cuts: Vec<usize> = gone
            .iter()
            .map(|slot| self.record(*slot).place as usize)
            .collect();
        cuts.sort_unstable();
        let mut cuts = cuts.into_iter().peekable();
        let old = std::mem::take(&mut self.names);
        let old_slots = std::mem::take(&mut self.slots);
        self.names = Names::with_room_like(&old, new.len());
        self.slots.reserve(old.len() + new.len());
        let mut from = 0;
        // What was there up to a place, without what went.
        let mut take = |to: usize, names: &mut Names, slots: &mut Vec<u32>| {
            while from < to {
                let cut = cuts.next_if(|cut| *cut < to).unwrap_or(to);
                names.extend(&old, from..cut);
                slots.extend(&old_slots[from..cut]);
                from = to.min(cut + 1);
            }
        };
        for row in new {
            let before = |place: &usize| {
                let id = self.records[old_slots[*place] as usize].id;
                (old.search_text(*place), id) < (row.search.as_str(), row.id)
            };
            let at = partition_point(old_slots.len(), before);
            take(at, &mut self.names, &mut self.slots);
            self.names.push(&row.search, &row.repository, row.tag.as_deref());
            let slot = self.settle(&row);
            self.slots.push(slot);
        }
        take(old_slots.len(), &mut self.names, &mut self.slots);
        for (place, slot) in (0..).zip(&self.slots) {
            self.records[*slot as usize].place = place;
        }
    }

    /// Gives a new one a slot.
    fn settle(&mut self, row: &Row) -> u32 {
        let record = Record {
            id: row.id,
            software_id: row.software_id,
            counts: row.counts(),
            place: 0,
        };
        let slot = if let Some(slot) = self.free.pop() {
            self.records[slot as usize] = record;
            slot
        } else {
            self.records.push(record);
            u32::try_from(self.records.len() - 1).unwrap_or(u32::MAX)
        };
        self.by_id.insert(row.id, slot);
        slot
    }
}

impl Row {
    /// Its row.
    pub fn id(&self) -> i64 {
        self.id
    }

    fn counts(&self) -> [u32; COLUMNS.len()] {
        let counts = [
            self.placements,
            self.pulling,
            self.pull_failed,
            self.deleting,
            self.delete_failed,
            self.start_failed,
            self.in_use,
        ];
        counts.map(|count| u32::try_from(count).unwrap_or_default())
    }
}

/// Of `count` places in order, the first one that is not `before`.
fn partition_point(count: usize, before: impl Fn(&usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        if before(&middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{References, Row};
    use crate::inventory::tests::Random;

    fn row(id: i64, name: &str, placements: u32) -> Row {
        Row {
            id,
            search: name.to_lowercase(),
            repository: name.to_owned(),
            tag: None,
            software_id: None,
            placements: placements.into(),
            pulling: 0,
            pull_failed: 0,
            deleting: 0,
            delete_failed: 0,
            start_failed: 0,
            in_use: 0,
        }
    }

    fn assert_like(references: &References, wanted: &BTreeMap<(String, i64), u32>) {
        let there: Vec<((String, i64), u32)> = references
            .in_order()
            .iter()
            .enumerate()
            .map(|(place, slot)| {
                let record = references.record(*slot);
                assert_eq!(record.place as usize, place);
                assert_eq!(references.slot(record.id), Some(*slot));
                let name = references.names().search_text(place);
                assert_eq!(references.names().repository(place).to_lowercase(), name);
                ((name.to_owned(), record.id), record.counts[0])
            })
            .collect();
        let wanted: Vec<_> = wanted.iter().map(|(key, count)| (key.clone(), *count)).collect();
        assert_eq!(there, wanted);
    }

    #[test]
    fn one_change_after_the_other_is_like_all_at_once() {
        let mut random = Random(5);
        let mut references = References::default();
        let mut wanted: BTreeMap<(String, i64), u32> = BTreeMap::new();
        let mut next = 1;
        let mut most = 0;
        for _ in 0..300 {
            let (mut changed, mut gone) = (Vec::new(), Vec::new());
            let known: Vec<(String, i64)> = wanted.keys().cloned().collect();
            for key in known {
                match random.below(12) {
                    0 => {
                        gone.push(key.1);
                        wanted.remove(&key);
                    }
                    1 => {
                        changed.push(row(key.1, &key.0, 7));
                        wanted.insert(key, 7);
                    }
                    _ => {}
                }
            }
            for _ in 0..random.below(6) {
                // Names that differ in their case alone stand side by side, the older one first.
                let name = format!("App-{}", random.below(40));
                changed.push(row(next, &name, 1));
                wanted.insert((name.to_lowercase(), next), 1);
                next += 1;
            }
            most = most.max(wanted.len() + gone.len());
            gone.push(next + 1_000);
            references.apply(changed, &gone);
            assert_like(&references, &wanted);
        }
        assert!(
            references.slot_count() <= most,
            "slots that are free are taken again"
        );
        assert!(next > 500);
    }
}
