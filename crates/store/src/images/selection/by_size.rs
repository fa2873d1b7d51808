use imagefleet_model::ServerId;

use super::{Selection, number};
use crate::images::memory::Held;

/// An image's bytes, the index of its server, and where it stands there.
type Weighed = (i64, u32, u32);
/// A server and what it holds.
type Server<'a> = (ServerId, &'a Held);

/// Pages are near the beginning when they end with this image or before. Tests have a few hundred, and meet both.
const NEAR: usize = if cfg!(test) { 60 } else { 1_000 };

impl Selection<'_> {
    /// How many images match, and where those of a page are in the order of their sizes; of equal ones, in that of servers and
    /// names.
    pub fn by_size(&self, offset: u64, size: u64, descending: bool) -> (u64, Vec<(ServerId, i64)>) {
        let mut servers: Vec<_> = self.known.servers().collect();
        servers.sort_unstable_by_key(|(server, _)| *server);
        let (from, to) = (number(offset), number(offset.saturating_add(size)));
        let (total, page) = if to <= NEAR {
            self.first(&servers, from, to, descending)
        } else {
            self.among(&servers, from, to, descending)
        };
        let place = |(_, index, at): Weighed| {
            let (server, held) = servers[index as usize];
            (server, self.known.references.record(held.slot(at as usize)).id)
        };
        (total as u64, page.into_iter().map(place).collect())
    }

    /// A page near the beginning, in one pass: what lies behind it already is passed by.
    fn first(&self, servers: &[Server], from: usize, to: usize, descending: bool) -> (usize, Vec<Weighed>) {
        let (mut total, mut first, mut last) = (0, Vec::with_capacity(2 * to), None);
        self.weigh(servers, |weighed| {
            total += 1;
            let turned = turn(weighed, descending);
            if to == 0 || last.is_some_and(|last| turned > last) {
                return;
            }
            first.push(turned);
            if first.len() == 2 * to {
                first.select_nth_unstable(to - 1);
                first.truncate(to);
                last = first.last().copied();
            }
        });
        first.sort_unstable();
        let page = first.into_iter().take(to).skip(from);
        (total, page.map(|turned| turn(turned, descending)).collect())
    }

    /// A page anywhere, in two passes. First only how many there are of about each size: few of a million need to be gathered
    /// then, and put in order.
    fn among(&self, servers: &[Server], from: usize, to: usize, descending: bool) -> (usize, Vec<Weighed>) {
        let mut classes = vec![0; CLASSES];
        self.weigh(servers, |(bytes, ..)| classes[class(bytes)] += 1);
        let total = classes.iter().sum();
        let (from, to) = (from.min(total), to.min(total));
        let (from, to) = if descending {
            (total - to, total - from)
        } else {
            (from, to)
        };
        if from == to {
            return (total, Vec::new());
        }
        let (lightest, before) = reaching(&classes, from);
        let (heaviest, _) = reaching(&classes, to - 1);
        let mut among = Vec::new();
        self.weigh(servers, |weighed| {
            if (lightest..=heaviest).contains(&class(weighed.0)) {
                among.push(weighed);
            }
        });
        let mut page = middle(&mut among, from - before, to - before).to_vec();
        if descending {
            page.reverse();
        }
        (total, page)
    }

    /// Tells of every image that matches.
    fn weigh(&self, servers: &[Server], mut tell: impl FnMut(Weighed)) {
        for (index, (server, held)) in servers.iter().enumerate() {
            if let Some(seen) = self.seen_on(*server) {
                for (at, bytes) in held.weighed(&seen, self.allowed) {
                    tell((bytes, small(index), small(at)));
                }
            }
        }
    }
}

/// The same in an order that is turned round, and back.
const fn turn((bytes, index, at): Weighed, descending: bool) -> Weighed {
    if descending {
        (!bytes, !index, !at)
    } else {
        (bytes, index, at)
    }
}

/// How many classes of sizes there are: 64 between a power of two and the next.
const CLASSES: usize = 64 * 64;

/// The class of a size; a larger one is in the same or a later.
fn class(bytes: i64) -> usize {
    let bytes = u64::try_from(bytes).unwrap_or_default();
    match bytes.checked_ilog2() {
        // Seven bits tell all of it.
        None | Some(0..=5) => number(bytes),
        Some(power) => number(u64::from(power - 5) * 64 + (bytes >> (power - 6)) % 64),
    }
}

/// The class in which so many others lie before one, and how many lie in earlier classes.
fn reaching(classes: &[usize], nth: usize) -> (usize, usize) {
    let mut before = 0;
    for (class, count) in classes.iter().enumerate() {
        if nth < before + count {
            return (class, before);
        }
        before += count;
    }
    (classes.len(), before)
}

/// What stands from there to there in their order, where something does. The rest is only told apart, in one pass each.
fn middle(all: &mut [Weighed], from: usize, to: usize) -> &[Weighed] {
    if from > 0 {
        all.select_nth_unstable(from);
    }
    let rest = &mut all[from..];
    if to - from < rest.len() {
        rest.select_nth_unstable(to - from);
    }
    let page = &mut rest[..to - from];
    page.sort_unstable();
    page
}

/// What fits, as no program holds more servers or images.
fn small(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{CLASSES, class};

    #[test]
    fn a_larger_size_is_in_no_earlier_class() {
        let around = (0..63).flat_map(|power| {
            let bytes = 1_i64 << power;
            [bytes - 1, bytes, bytes + 1, bytes + bytes / 3]
        });
        let mut sizes: Vec<i64> = (0..2_000).chain(around).chain([i64::MAX]).collect();
        sizes.sort_unstable();
        let classes: Vec<usize> = sizes.iter().map(|size| class(*size)).collect();
        assert!(classes.is_sorted());
        assert!(classes.iter().all(|class| *class < CLASSES));
        // Those of a few bytes have one each, and a larger one tells a 64th more.
        assert_eq!([class(0), class(1), class(63), class(64)], [0, 1, 63, 64]);
        assert_ne!(class(64_000_000), class(66_000_000));
        assert_eq!(class(-1), 0);
    }
}
