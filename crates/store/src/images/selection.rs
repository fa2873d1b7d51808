//! Which images a filter and the caller's rights mean, laid over the inventory in memory.

use std::borrow::Cow;

use imagefleet_model::{Access, ImageStatus, ServerId, Verb};

use super::filter::ImageFilter;
use super::matching::{in_repositories, matching};
use super::memory::{Allowed, Bits, Known, Record, Servers};
use super::slice::Slice;
use crate::inventory::{IN_USE, count_index};
use crate::sql;

/// Images by what a filter says and a caller may see.
pub struct Selection<'a> {
    known: &'a Known,
    filter: Cow<'a, ImageFilter>,
    allowed: Allowed,
    /// Those that the filter means, and where rights are the same on all servers, those that the caller may see.
    references: Bits,
    rights: Rights<'a>,
}

/// Where the caller may see what.
enum Rights<'a> {
    /// The same on every server.
    Same,
    /// On these servers (all when not named) these references (all when not named).
    Scopes(Vec<(Option<&'a [ServerId]>, Option<Bits>)>),
}

/// One server's part of a selection.
#[derive(Debug)]
pub struct Part {
    /// The server.
    pub server_id: ServerId,
    /// How many of its images match.
    pub images: u64,
    /// Their bytes, each content once.
    pub total_size: u64,
    /// Rows of the references of the first ones, by name.
    pub first: Vec<i64>,
}

/// Whether the rights differ from server to server.
pub fn limited(access: &Access) -> bool {
    let mut scopes = access.scopes(Verb::ImageView).peekable();
    let none = scopes.peek().is_none();
    let (mut some, mut everything) = (false, false);
    for (servers, globs) in scopes {
        some |= servers.is_some();
        everything |= servers.is_none() && globs.is_none();
    }
    none || (some && !everything)
}

/// The servers whose images can match.
pub fn servers(filter: &ImageFilter, access: &Access) -> Servers {
    if !filter.server_ids.is_empty() {
        return Servers::These(filter.server_ids.clone());
    }
    let mut these = Vec::new();
    for (servers, _) in access.scopes(Verb::ImageView) {
        let Some(servers) = servers else {
            return Servers::All;
        };
        these.extend(servers);
    }
    Servers::These(these)
}

/// The servers of which it must be known what they hold to say how often each reference matches.
pub fn servers_to_count(filter: &ImageFilter, access: &Access) -> Servers {
    if counts_tell(filter) && !limited(access) {
        Servers::None
    } else {
        servers(filter, access)
    }
}

/// Whether the counts that references have tell how often each matches, as far as the filter goes.
fn counts_tell(filter: &ImageFilter) -> bool {
    filter.server_ids.is_empty() && (filter.statuses.is_empty() || filter.unused.is_none())
}

impl<'a> Selection<'a> {
    /// What a filter and rights mean.
    pub fn new(known: &'a Known, filter: &'a ImageFilter, access: &'a Access) -> Self {
        let mut references = matching(&known.references, filter);
        let scopes = access.scopes(Verb::ImageView).map(|(servers, globs)| {
            (
                servers,
                globs.map(|globs| in_repositories(&known.references, globs)),
            )
        });
        let rights = if limited(access) {
            Rights::Scopes(scopes.collect())
        } else {
            let mut seen = Bits::none(known.references.slot_count());
            for (servers, these) in scopes {
                match (servers, these) {
                    (None, Some(these)) => seen.join(&these),
                    (None, None) => seen = Bits::all(known.references.slot_count()),
                    (Some(_), _) => {}
                }
            }
            references.keep(&seen);
            Rights::Same
        };
        Self {
            known,
            filter: Cow::Borrowed(filter),
            allowed: Allowed::of(filter),
            references,
            rights,
        }
    }

    /// The same, of one status alone.
    pub fn narrow(&mut self, status: ImageStatus) {
        self.filter.to_mut().statuses = vec![status];
        self.allowed = Allowed::of(&self.filter);
    }

    /// How many images match.
    pub fn total(&self) -> u64 {
        self.images(0, 0, false).total
    }

    /// How many images match, and those of them that a page shows, in the order of names.
    pub fn images(&self, offset: u64, size: u64, descending: bool) -> Slice {
        self.slice(&self.weights(), offset, size, descending)
    }

    /// The same for references with images that match.
    pub fn references(&self, offset: u64, size: u64, descending: bool) -> Slice {
        let mut weights = self.weights();
        for weight in &mut weights {
            *weight = (*weight).min(1);
        }
        self.slice(&weights, offset, size, descending)
    }

    /// Rows of the references that match, when not all do.
    pub fn reference_ids(&self) -> Option<Vec<i64>> {
        let references = &self.known.references;
        let those = |slot: &&u32| self.references.has(**slot);
        let ids: Vec<i64> = references
            .in_order()
            .iter()
            .filter(those)
            .map(|slot| references.record(*slot).id)
            .collect();
        (ids.len() < references.in_order().len()).then_some(ids)
    }

    /// Whether any image of a server matches.
    pub fn any(&self, server: ServerId) -> bool {
        self.slots(server, |slots| slots.next().is_some())
    }

    /// How many images of a server match.
    pub fn count(&self, server: ServerId) -> u64 {
        self.slots(server, |slots| slots.count() as u64)
    }

    /// Rows of the references of a server's images that match, in the order of names.
    pub fn on_server(&self, server: ServerId, offset: u64, size: u64) -> Vec<i64> {
        let id = |slot| self.known.references.record(slot).id;
        self.slots(server, |slots| {
            slots.skip(number(offset)).take(number(size)).map(id).collect()
        })
    }

    /// A server's part, with so many of its first images.
    pub fn part(&self, server: ServerId, shown: u64) -> Part {
        let held = self.known.held(server);
        let size = self
            .seen_on(server)
            .zip(held)
            .map_or(0, |(references, held)| held.size(&references, self.allowed));
        Part {
            server_id: server,
            images: self.count(server),
            total_size: sql::unsigned(size),
            first: self.on_server(server, 0, shown),
        }
    }

    fn slots<T>(&self, server: ServerId, read: impl FnOnce(&mut dyn Iterator<Item = u32>) -> T) -> T {
        match self.seen_on(server).zip(self.known.held(server)) {
            Some((references, held)) => read(&mut held.matching(&references, self.allowed)),
            None => read(&mut std::iter::empty()),
        }
    }

    /// The references that match on a server, if the filter and the rights mean it at all.
    fn seen_on(&self, server: ServerId) -> Option<Cow<'_, Bits>> {
        if !self.filter.server_ids.is_empty() && !self.filter.server_ids.contains(&server) {
            return None;
        }
        let Rights::Scopes(scopes) = &self.rights else {
            return Some(Cow::Borrowed(&self.references));
        };
        let mut seen: Option<Bits> = None;
        for (servers, these) in scopes {
            if !servers.is_none_or(|servers| servers.contains(&server)) {
                continue;
            }
            let Some(these) = these else {
                return Some(Cow::Borrowed(&self.references));
            };
            seen.get_or_insert_with(|| Bits::none(self.known.references.slot_count()))
                .join(these);
        }
        let mut seen = seen?;
        seen.keep(&self.references);
        Some(Cow::Owned(seen))
    }

    /// How many images match, by slot.
    fn weights(&self) -> Vec<u32> {
        let references = &self.known.references;
        let mut weights = vec![0; references.slot_count()];
        if counts_tell(&self.filter) && matches!(self.rights, Rights::Same) {
            for slot in references.in_order() {
                if self.references.has(*slot) {
                    weights[*slot as usize] = counted(references.record(*slot), &self.filter);
                }
            }
        } else {
            for (server, held) in self.known.servers() {
                let Some(seen) = self.seen_on(server) else {
                    continue;
                };
                for slot in held.matching(&seen, self.allowed) {
                    weights[slot as usize] += 1;
                }
            }
        }
        weights
    }

    fn slice(&self, weights: &[u32], offset: u64, size: u64, descending: bool) -> Slice {
        let references = &self.known.references;
        let row = |slot: &u32| (references.record(*slot).id, u64::from(weights[*slot as usize]));
        let in_order = references.in_order().iter().map(row);
        if descending {
            Slice::cut(in_order.rev(), offset, size)
        } else {
            Slice::cut(in_order, offset, size)
        }
    }
}

/// How many images of a reference match by status or use.
fn counted(record: &Record, filter: &ImageFilter) -> u32 {
    let (placements, in_use) = (record.counts[0], record.counts[IN_USE]);
    match filter.unused {
        Some(true) => return placements.saturating_sub(in_use),
        Some(false) => return in_use,
        None if filter.statuses.is_empty() => return placements,
        None => {}
    }
    let of = |statuses: &mut dyn Iterator<Item = &ImageStatus>| -> u32 {
        statuses
            .filter_map(|status| Some(record.counts[count_index(*status)?]))
            .sum()
    };
    let all = ImageStatus::ALL.iter();
    if filter.statuses.contains(&ImageStatus::Available) {
        placements.saturating_sub(of(&mut all.filter(|status| !filter.statuses.contains(status))))
    } else {
        of(&mut all.filter(|status| filter.statuses.contains(status)))
    }
}

/// Of what memory holds, so many at most.
fn number(of: u64) -> usize {
    usize::try_from(of).unwrap_or(usize::MAX)
}
