use bytes::Bytes;

use crate::blob::Blob;
use crate::collect::Collected;
use crate::resolve::resolve;
use crate::tar::{Event, Framer};
use crate::{ArchiveContents, Limits, Result};

/// Reads a plain archive forward, from chunks of any size, and knows at its end what is inside.
pub(crate) struct Reader {
    framer: Framer,
    collected: Collected,
}

impl Reader {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            framer: Framer::new(limits.clone()),
            collected: Collected::new(limits.clone()),
        }
    }

    /// Takes a whole chunk.
    pub(crate) fn push(&mut self, chunk: &Bytes) -> Result<()> {
        let mut input = chunk.clone();
        while self.next(&mut input)?.is_some() {}
        Ok(())
    }

    /// Takes `input` up to the next event, which is given together with the file that it ended.
    pub(crate) fn next(&mut self, input: &mut Bytes) -> Result<Option<(Event, Option<&Blob>)>> {
        match self.framer.next(input)? {
            Some(event) => {
                let ended = self.collected.take(&event)?;
                Ok(Some((event, ended)))
            }
            None => Ok(None),
        }
    }

    /// Bytes of tar taken so far.
    pub(crate) const fn bytes(&self) -> u64 {
        self.framer.bytes()
    }

    /// What was seen so far.
    pub(crate) const fn collected(&self) -> &Collected {
        &self.collected
    }

    /// What is inside, once everything was taken.
    pub(crate) fn finish(&self) -> Result<ArchiveContents> {
        self.framer.finish()?;
        resolve(&self.collected, self.framer.entries(), self.framer.bytes())
    }
}
