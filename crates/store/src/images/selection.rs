//! Which images a filter and the caller's rights mean, laid over the inventory in memory.

mod by_size;

use std::borrow::Cow;

use imagefleet_model::{Access, ImageStatus, ServerId, Verb};

use super::filter::ImageFilter;
use super::matching::{in_repositories, matching};
use super::memory::{Allowed, Bits, Known, Record, Servers};
use super::slice::Slice;
use crate::inventory::{COLUMNS, IN_USE, count_index};
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
        self.slice(offset, size, descending, |count| count)
    }

    /// The same for references with images that match.
    pub fn references(&self, offset: u64, size: u64, descending: bool) -> Slice {
        self.slice(offset, size, descending, |count| count.min(1))
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
    pub fn part(&self, server: ServerId, shown: usize) -> Part {
        let mut part = Part {
            server_id: server,
            images: 0,
            total_size: 0,
            first: Vec::new(),
        };
        if let Some((references, held)) = self.seen_on(server).zip(self.known.held(server)) {
            let mut size = 0;
            for (slot, bytes) in held.sized(&references, self.allowed) {
                part.images += 1;
                size += bytes;
                if part.first.len() < shown {
                    part.first.push(self.known.references.record(slot).id);
                }
            }
            part.total_size = sql::unsigned(size);
        }
        part
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

    /// A page over how much each reference weighs, of how many of its images match.
    fn slice(&self, offset: u64, size: u64, descending: bool, weigh: impl Fn(u64) -> u64) -> Slice {
        if counts_tell(&self.filter) && matches!(self.rights, Rights::Same) {
            let shares = shares(&self.filter);
            return self.cut(offset, size, descending, |slot, record| {
                let matches = self.references.has(slot);
                weigh(if matches { counted(record, shares) } else { 0 })
            });
        }
        let mut counts = vec![0_u32; self.known.references.slot_count()];
        for (server, held) in self.known.servers() {
            let Some(seen) = self.seen_on(server) else {
                continue;
            };
            for slot in held.matching(&seen, self.allowed) {
                counts[slot as usize] += 1;
            }
        }
        self.cut(offset, size, descending, |slot, _| {
            weigh(u64::from(counts[slot as usize]))
        })
    }

    fn cut(&self, offset: u64, size: u64, descending: bool, count: impl Fn(u32, &Record) -> u64) -> Slice {
        let references = &self.known.references;
        let in_order = references.in_order().iter().map(|slot| {
            let record = references.record(*slot);
            (record.id, count(*slot, record))
        });
        if descending {
            Slice::cut(in_order.rev(), offset, size)
        } else {
            Slice::cut(in_order, offset, size)
        }
    }
}

/// How much each count of a reference adds to, or takes from, the number of its images that a filter of status or use
/// means.
fn shares(filter: &ImageFilter) -> [i64; COLUMNS.len()] {
    let mut shares = [0; COLUMNS.len()];
    let available = filter.statuses.is_empty() || filter.statuses.contains(&ImageStatus::Available);
    match filter.unused {
        Some(true) => (shares[0], shares[IN_USE]) = (1, -1),
        Some(false) => shares[IN_USE] = 1,
        None => shares[0] = i64::from(available),
    }
    if !filter.statuses.is_empty() {
        for status in ImageStatus::ALL {
            let Some(index) = count_index(*status) else {
                continue;
            };
            // What is available is what is left.
            let wanted = filter.statuses.contains(status);
            shares[index] = i64::from(wanted) - i64::from(available);
        }
    }
    shares
}

/// How many images of a reference match by status or use.
fn counted(record: &Record, shares: [i64; COLUMNS.len()]) -> u64 {
    let counts = record.counts.iter().zip(shares);
    sql::unsigned(counts.map(|(count, share)| i64::from(*count) * share).sum())
}

/// Of what memory holds, so many at most.
fn number(of: u64) -> usize {
    usize::try_from(of).unwrap_or(usize::MAX)
}
