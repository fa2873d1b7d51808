use std::sync::Arc;

use imagefleet_model::ImageStatus;

use super::bits::Bits;
use super::flags::{Allowed, Flag, flag};
use super::references::References;

/// What one server holds, in the order of names.
#[derive(Debug, Default)]
pub struct Held {
    contents: Arc<Contents>,
    flags: Vec<Flag>,
}

/// References and contents; about 16 bytes an image.
#[derive(Debug, Default)]
pub struct Contents {
    slots: Vec<u32>,
    /// Equal contents have equal numbers.
    contents: Vec<u32>,
    sizes: Vec<i64>,
}

/// An image that is not simply available and unused: its reference, status and use.
pub type Exception = (i64, ImageStatus, bool);

impl Contents {
    /// From the texts of `server_inventories`: ids of references, and `size:content` of each.
    pub fn read(references: &References, ids: &str, contents: &str) -> Self {
        let mut read: Vec<(u32, u32, u32, i64)> = ids
            .split(',')
            .zip(contents.split(','))
            .filter_map(|(id, content)| {
                let slot = references.slot(id.parse().ok()?)?;
                let (size, content) = content.split_once(':')?;
                let place = references.record(slot).place;
                Some((place, slot, content.parse().ok()?, size.parse().ok()?))
            })
            .collect();
        // Others that come and go move their places, but not their order.
        read.sort_unstable_by_key(|(place, ..)| *place);
        Self {
            slots: read.iter().map(|(_, slot, ..)| *slot).collect(),
            contents: read.iter().map(|(_, _, content, _)| *content).collect(),
            sizes: read.iter().map(|(.., size)| *size).collect(),
        }
    }
}

impl Held {
    /// Contents with the statuses and uses of their images.
    pub fn new(references: &References, contents: Arc<Contents>, exceptions: &[Exception]) -> Self {
        let mut flags = vec![flag(ImageStatus::Available, false); contents.slots.len()];
        for (id, status, in_use) in exceptions {
            let Some(slot) = references.slot(*id) else {
                continue;
            };
            let place = references.record(slot).place;
            let at = contents
                .slots
                .partition_point(|other| references.record(*other).place < place);
            if contents.slots.get(at) == Some(&slot) {
                flags[at] = flag(*status, *in_use);
            }
        }
        Self { contents, flags }
    }

    /// What it holds without its statuses and uses.
    pub fn contents(&self) -> &Arc<Contents> {
        &self.contents
    }

    /// The slots of the images that match, in the order of names.
    pub fn matching(&self, references: &Bits, allowed: Allowed) -> impl Iterator<Item = u32> {
        self.places(references, allowed).map(|at| self.contents.slots[at])
    }

    /// Where those images stand in the order of names here, each with its size.
    pub fn weighed(&self, references: &Bits, allowed: Allowed) -> impl Iterator<Item = (usize, i64)> {
        self.places(references, allowed)
            .map(|at| (at, self.contents.sizes[at]))
    }

    /// The slot of the image that stands there.
    pub fn slot(&self, at: usize) -> u32 {
        self.contents.slots[at]
    }

    /// The same, each with the bytes that it adds: content counts once.
    pub fn sized(&self, references: &Bits, allowed: Allowed) -> impl Iterator<Item = (u32, i64)> {
        let highest = self.contents.contents.iter().max();
        let mut seen = vec![false; highest.map_or(0, |highest| *highest as usize + 1)];
        self.places(references, allowed).map(move |at| {
            let known = std::mem::replace(&mut seen[self.contents.contents[at] as usize], true);
            let bytes = if known { 0 } else { self.contents.sizes[at] };
            (self.contents.slots[at], bytes)
        })
    }

    fn places(&self, references: &Bits, allowed: Allowed) -> impl Iterator<Item = usize> {
        self.contents
            .slots
            .iter()
            .zip(&self.flags)
            .enumerate()
            .filter(move |(_, (slot, flag))| allowed.allows(**flag) && references.has(**slot))
            .map(|(at, _)| at)
    }
}
