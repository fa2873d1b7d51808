use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::StreamExt;
use imagefleet_model::{ErrorCode, Failure};

use super::SourceImage;
use super::decide::{Decider, Known};
use super::target::Target;
use crate::blob::Blob;
use crate::reader::Reader;
use crate::stream::{ByteStream, ahead};
use crate::tar::{Entry, EntryKind, Event};
use crate::{ArchiveContents, Limits, Result, decompress};

/// Moves the bytes of a copy until the source or the last target has ended.
pub(super) async fn run(
    source: ByteStream,
    images: Vec<SourceImage>,
    targets: Vec<Target>,
    limits: Limits,
) -> Result<ArchiveContents> {
    let decider = Decider::new(&images);
    let mut fan = Fan {
        decider,
        targets,
        entry: None,
        known: Known::default(),
        json: None,
    };
    let outcome = fan.pass(source, &limits).await;
    if let Err(failure) = &outcome {
        for target in &mut fan.targets {
            target.pipe.fail(failure.clone());
        }
    }
    outcome
}

struct Fan {
    decider: Decider,
    targets: Vec<Target>,
    /// The entry that passes now.
    entry: Option<Entry>,
    known: Known,
    /// Its bytes, when they tell which layer follows.
    json: Option<Vec<u8>>,
}

impl Fan {
    async fn pass(&mut self, source: ByteStream, limits: &Limits) -> Result<ArchiveContents> {
        for target in &self.targets {
            target
                .pipe
                .counters
                .layers_total
                .store(self.decider.layers() as u64, Ordering::Relaxed);
        }
        let (plain, compression) = decompress(source).await?;
        let mut plain = ahead(plain);
        let mut reader = Reader::new(limits);
        while let Some(chunk) = plain.next().await {
            let mut chunk = chunk?;
            while let Some((event, ended)) = reader.next(&mut chunk)? {
                let ended = ended.cloned();
                self.event(event, ended.as_ref(), &reader).await?;
            }
            if !self.targets.iter().any(|target| target.pipe.is_open()) {
                let message = "every server gave up before the archive was over";
                return Err(Failure::new(ErrorCode::EngineDisconnected, message));
            }
            for target in &self.targets {
                target
                    .pipe
                    .counters
                    .bytes_total
                    .store(reader.bytes(), Ordering::Relaxed);
            }
        }
        let mut contents = reader.finish()?;
        contents.compression = compression;
        for target in &mut self.targets {
            target.close(&contents, reader.collected()).await;
        }
        Ok(contents)
    }

    async fn event(&mut self, event: Event, ended: Option<&Blob>, reader: &Reader) -> Result<()> {
        match event {
            Event::Entry(entry) => {
                let file = entry.kind == EntryKind::File;
                self.known = if file {
                    self.decider.known(&entry)
                } else {
                    Known::default()
                };
                self.json = (file && self.decider.wants(&entry)).then(Vec::new);
                for target in &mut self.targets {
                    target.begin(&entry, self.known, &self.decider).await;
                }
                self.entry = Some(entry);
            }
            Event::Data(bytes) => self.data(&bytes).await,
            Event::EntryEnd => {
                if let (Some(entry), Some(blob)) = (&self.entry, ended) {
                    check(entry, self.known, blob)?;
                    if let Some(json) = self.json.take() {
                        self.decider.learn_folder(entry, &json);
                    }
                    self.decider.learn_documents(reader.collected());
                }
                for target in &mut self.targets {
                    target.end().await;
                }
            }
            Event::End => {}
        }
        Ok(())
    }

    async fn data(&mut self, bytes: &Bytes) {
        if let Some(json) = &mut self.json {
            json.extend_from_slice(bytes);
        }
        for target in &mut self.targets {
            target.data(bytes).await;
        }
    }
}

/// Whether the entry was what it was taken for; targets that hold the layer were not sent it.
fn check(entry: &Entry, known: Known, blob: &Blob) -> Result<()> {
    let is_layer = |diff_id| matches!(&blob.inflated, Ok((sum, _)) if *sum == diff_id);
    if known.digest.is_none_or(|digest| digest == blob.sum) && known.diff_id.is_none_or(is_layer) {
        return Ok(());
    }
    let message = format!(
        "entry \"{}\" is not the layer that its name promises: its digest is {}",
        entry.name, blob.sum
    );
    Err(Failure::new(ErrorCode::ArchiveCorrupt, message))
}
