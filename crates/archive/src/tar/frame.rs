use bytes::{Buf, Bytes, BytesMut};
use imagefleet_model::{ErrorCode, Failure};
use tokio_tar::{EntryType, Header};

use super::pax::{self, Pax};
use super::{BLOCK, name};
use crate::{Limits, Result};

/// What comes next in a tar.
#[derive(Debug)]
pub(crate) enum Event {
    /// An entry begins.
    Entry(Entry),
    /// Bytes of the entry that began last.
    Data(Bytes),
    /// That entry is over, its padding too.
    EntryEnd,
    /// The tar is over; only zeros may follow.
    End,
}

/// An entry whose name is safe: relative, inside the archive, printable.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) kind: EntryKind,
    /// Bytes of its content.
    pub(crate) size: u64,
    /// Its header blocks as they came, extension records included.
    pub(crate) raw: Bytes,
}

/// What an image archive may hold; anything else is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Directory,
    /// Leads to this path within the archive.
    Symlink(String),
    /// Is this earlier entry.
    Hardlink(String),
}

#[derive(Debug)]
enum State {
    /// Filling the next header block.
    Header,
    /// Filling an extension record of this many bytes, padding included.
    Extension {
        kind: EntryType,
        size: usize,
        padded: usize,
    },
    /// Inside an entry.
    Data { left: u64, padding: usize },
    /// Between an entry's last byte and the next block.
    Padding { left: usize },
    /// One zero block was seen.
    HalfEnd,
    /// Both were.
    Ended,
}

/// Tape drives fill up their last record with zeros, by some MiB at most; a bomb does not stop.
const LONGEST_TAIL: u64 = 64 << 20;

/// Reads a tar forward from chunks of any size.
#[derive(Debug)]
pub(crate) struct Framer {
    limits: Limits,
    state: State,
    /// What has come of the block or record that is being filled.
    filling: BytesMut,
    /// Header blocks of the entry that is being read.
    raw: BytesMut,
    pax: Pax,
    entries: u64,
    bytes: u64,
    /// Bytes behind the end.
    tail: u64,
    last: String,
}

impl Framer {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Header,
            filling: BytesMut::new(),
            raw: BytesMut::new(),
            pax: Pax::default(),
            entries: 0,
            bytes: 0,
            tail: 0,
            last: String::new(),
        }
    }

    /// Entries seen.
    pub(crate) const fn entries(&self) -> u64 {
        self.entries
    }

    /// Bytes taken.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next event in `input`, which is used up to there; `None` when more input is needed.
    pub(crate) fn next(&mut self, input: &mut Bytes) -> Result<Option<Event>> {
        loop {
            match self.state {
                State::Data { left: 0, padding } => self.state = State::Padding { left: padding },
                State::Padding { left: 0 } => {
                    self.state = State::Header;
                    return Ok(Some(Event::EntryEnd));
                }
                _ if input.is_empty() => return Ok(None),
                State::Data { left, padding } => {
                    let take = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                    self.bytes += take as u64;
                    self.state = State::Data {
                        left: left - take as u64,
                        padding,
                    };
                    return Ok(Some(Event::Data(input.split_to(take))));
                }
                State::Padding { left } => {
                    let take = left.min(input.len());
                    input.advance(take);
                    self.bytes += take as u64;
                    self.state = State::Padding { left: left - take };
                }
                State::Ended => {
                    self.bytes += input.len() as u64;
                    self.tail += input.len() as u64;
                    let clean = input.iter().all(|byte| *byte == 0);
                    input.clear();
                    if !clean {
                        return Err(corrupt("something follows the end of the tar"));
                    }
                    if self.tail > LONGEST_TAIL {
                        return Err(corrupt("zeros follow the end of the tar without an end"));
                    }
                }
                State::Extension { kind, size, padded } => {
                    if let Some(record) = self.fill(input, padded) {
                        self.raw.extend_from_slice(&record);
                        self.extend(kind, &record[..size])?;
                        self.state = State::Header;
                    }
                }
                State::Header | State::HalfEnd => {
                    if let Some(block) = self.fill(input, BLOCK)
                        && let Some(event) = self.block(&block)?
                    {
                        return Ok(Some(event));
                    }
                }
            }
        }
    }

    /// Checks that the input ended where a tar may end.
    pub(crate) fn finish(&self) -> Result<()> {
        match self.state {
            State::Ended => Ok(()),
            _ if self.bytes == 0 => Err(no_archive("it is empty")),
            State::Header if self.entries == 0 => Err(no_archive("it is too short")),
            State::Data { left, .. } => {
                Err(truncated(&format!("entry \"{}\" lacks {left} bytes", self.last)))
            }
            _ => Err(truncated(&format!("it ends after entry \"{}\"", self.last))),
        }
    }

    /// The next `wanted` bytes, once they are there.
    fn fill(&mut self, input: &mut Bytes, wanted: usize) -> Option<Bytes> {
        let take = (wanted - self.filling.len()).min(input.len());
        self.bytes += take as u64;
        if self.filling.is_empty() && take == wanted {
            return Some(input.split_to(take));
        }
        self.filling.extend_from_slice(&input.split_to(take));
        (self.filling.len() == wanted).then(|| self.filling.split().freeze())
    }

    fn block(&mut self, block: &Bytes) -> Result<Option<Event>> {
        if block.iter().all(|byte| *byte == 0) {
            if !self.raw.is_empty() {
                return Err(corrupt("an extension header stands before the end"));
            }
            if matches!(self.state, State::Header) {
                self.state = State::HalfEnd;
                return Ok(None);
            }
            self.state = State::Ended;
            return Ok(Some(Event::End));
        }
        if matches!(self.state, State::HalfEnd) {
            return Err(corrupt("one block of zeros stands between entries"));
        }
        let header = Header::from_byte_slice(block);
        if header.cksum().ok() != Some(checksum(block)) {
            return Err(if self.bytes == BLOCK as u64 {
                no_archive("it does not begin like a tar")
            } else {
                corrupt(&format!("the header after entry \"{}\" is damaged", self.last))
            });
        }
        self.raw.extend_from_slice(block);
        let size = header
            .raw_entry_size()
            .map_err(|_| corrupt(&format!("the entry after \"{}\" has no size", self.last)))?;
        let kind = header.entry_type();
        if kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions()
            || kind.is_gnu_longname()
            || kind.is_gnu_longlink()
        {
            self.begin_extension(kind, size)?;
            return Ok(None);
        }
        self.entry(header, size).map(|entry| Some(Event::Entry(entry)))
    }

    fn begin_extension(&mut self, kind: EntryType, size: u64) -> Result<()> {
        // A name, a link target and the few short records that writers add.
        let limit = 2 * self.limits.name_bytes + 8 * BLOCK;
        let length = usize::try_from(size)
            .ok()
            .filter(|size| *size <= limit && self.raw.len() <= 4 * limit);
        let Some(size) = length else {
            let message = format!("an extension header has {size} bytes; at most {limit} are read");
            return Err(Failure::new(ErrorCode::ArchiveTooComplex, message));
        };
        let padded = size.next_multiple_of(BLOCK);
        self.state = if padded == 0 {
            State::Header
        } else {
            State::Extension { kind, size, padded }
        };
        Ok(())
    }

    fn extend(&mut self, kind: EntryType, record: &[u8]) -> Result<()> {
        let text = || {
            record
                .split(|byte| *byte == 0)
                .next()
                .unwrap_or_default()
                .to_vec()
        };
        if kind.is_gnu_longname() {
            self.pax.path = Some(text());
        } else if kind.is_gnu_longlink() {
            self.pax.link = Some(text());
        } else if kind.is_pax_local_extensions() {
            let new = pax::read(record)?;
            self.pax.path = new.path.or(self.pax.path.take());
            self.pax.link = new.link.or(self.pax.link.take());
            self.pax.size = new.size.or(self.pax.size.take());
        } else {
            let global = pax::read(record)?;
            if global.path.is_some() || global.link.is_some() || global.size.is_some() {
                return Err(corrupt("a global extension header names or sizes entries"));
            }
        }
        Ok(())
    }

    fn entry(&mut self, header: &Header, header_size: u64) -> Result<Entry> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            let message = format!("it has more than {} entries", self.limits.entries);
            return Err(Failure::new(ErrorCode::ArchiveTooComplex, message));
        }
        let pax = std::mem::take(&mut self.pax);
        let limit = self.limits.name_bytes;
        let raw_name = pax.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let name = name::clean(&raw_name, limit)?;
        let size = pax.size.unwrap_or(header_size);
        let link = |symbolic| {
            let raw = pax
                .link
                .clone()
                .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned));
            name::link_target(&name, &raw.unwrap_or_default(), symbolic, limit)
        };
        let kind = match header.entry_type() {
            EntryType::Regular | EntryType::Continuous if raw_name.ends_with(b"/") => EntryKind::Directory,
            EntryType::Regular | EntryType::Continuous => EntryKind::File,
            EntryType::Directory => EntryKind::Directory,
            EntryType::Symlink => EntryKind::Symlink(link(true)?),
            EntryType::Link => EntryKind::Hardlink(link(false)?),
            other => {
                let what = match other {
                    EntryType::Char | EntryType::Block => "is a device",
                    EntryType::Fifo => "is a pipe",
                    EntryType::GNUSparse => "is a sparse file",
                    _ => "is of an unknown kind",
                };
                return Err(corrupt(&format!(
                    "entry \"{name}\" {what}; no image archive holds such"
                )));
            }
        };
        if kind != EntryKind::File && size != 0 {
            return Err(corrupt(&format!(
                "entry \"{name}\" is no file, but has {size} bytes"
            )));
        }
        if kind == EntryKind::File && name.is_empty() {
            return Err(corrupt("an entry has no name"));
        }
        self.state = State::Data {
            left: size,
            padding: super::padding(size).len(),
        };
        self.last.clone_from(&name);
        Ok(Entry {
            name,
            kind,
            size,
            raw: self.raw.split().freeze(),
        })
    }
}

/// The sum of a header's bytes with its checksum field taken as spaces (POSIX.1-2017, "ustar Interchange Format").
fn checksum(block: &[u8]) -> u32 {
    let field = 148..156;
    block
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            if field.contains(&at) {
                u32::from(b' ')
            } else {
                u32::from(*byte)
            }
        })
        .sum()
}

fn corrupt(what: &str) -> Failure {
    Failure::new(
        ErrorCode::ArchiveCorrupt,
        format!("the archive is damaged: {what}"),
    )
}

fn truncated(what: &str) -> Failure {
    Failure::new(
        ErrorCode::ArchiveTruncated,
        format!("the archive ends too early: {what}"),
    )
}

fn no_archive(why: &str) -> Failure {
    Failure::new(
        ErrorCode::NotAnArchive,
        format!("this is no image archive: {why}"),
    )
}
