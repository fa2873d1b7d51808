//! Which references a filter means, and which a pattern of rights.

use std::borrow::Cow;

use imagefleet_model::Glob;

use super::filter::{ImageFilter, searched};
use super::memory::{Bits, References};

/// Letters of a search beyond which nothing can match: no name is so long.
const LONGEST_SEARCH: usize = 1_024;

/// The references that a filter means, wherever they are.
pub fn matching(references: &References, filter: &ImageFilter) -> Bits {
    let mut bits = Bits::all(references.slot_count());
    let name = searched(filter.name.as_ref());
    for text in searched(filter.q.as_ref()).iter().chain(&name) {
        bits.keep(&holding(references, text));
    }
    // No tag holds a colon: what does lies in the name, or begins there.
    let in_repository = name.filter(|name| !name.contains(':'));
    let names = references.names();
    let fits = |place: usize, slot: u32| {
        in_repository
            .as_ref()
            .is_none_or(|name| in_small_letters(names.repository(place)).contains(name.as_str()))
            && filter
                .repository
                .as_ref()
                .is_none_or(|repository| repository == names.repository(place))
            && filter
                .tag
                .as_ref()
                .is_none_or(|tag| names.tag(place) == Some(tag))
            && filter
                .software_id
                .is_none_or(|id| references.record(slot).software_id == Some(id))
    };
    let exactly = filter.repository.is_some() || filter.tag.is_some() || filter.software_id.is_some();
    if in_repository.is_some() || exactly {
        let mut fitting = Bits::none(references.slot_count());
        for (place, slot) in references.in_order().iter().enumerate() {
            if bits.has(*slot) && fits(place, *slot) {
                fitting.add(*slot);
            }
        }
        bits = fitting;
    }
    bits
}

/// Those with that text somewhere in their names.
fn holding(references: &References, text: &str) -> Bits {
    let mut bits = Bits::none(references.slot_count());
    // No name holds control characters.
    if !text.chars().any(char::is_control) && text.len() <= LONGEST_SEARCH {
        let in_order = references.in_order();
        references.names().find(text, |place| bits.add(in_order[place]));
    }
    bits
}

/// Those of repositories that one of the patterns matches.
pub fn in_repositories(references: &References, globs: &[Glob]) -> Bits {
    let mut bits = Bits::none(references.slot_count());
    // Those of one repository mostly stand side by side.
    let mut last = None;
    for (place, slot) in references.in_order().iter().enumerate() {
        let repository = references.names().repository(place);
        let seen = match last {
            Some((other, seen)) if other == repository => seen,
            _ => globs.iter().any(|glob| glob.matches(repository)),
        };
        last = Some((repository, seen));
        if seen {
            bits.add(*slot);
        }
    }
    bits
}

/// Nearly every repository is in small letters already.
fn in_small_letters(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}
