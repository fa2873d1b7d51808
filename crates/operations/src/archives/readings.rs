use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use imagefleet_archive::{ArchiveContents, Limits, inspect};
use imagefleet_model::Failure;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Uploads that are read along at most; of more, the one that nothing came to for longest is read when it is asked about.
const MOST: usize = 16;
/// Chunks that the bytes may be ahead of the reader.
const AHEAD: usize = 8;

/// Archives that are looked into while they come, so that what is inside is known with the last byte. Only a saving of
/// time: whatever is not here (after a restart, or when parts went to several programs) is read from the store.
#[derive(Debug, Clone, Default)]
pub struct Readings(Arc<Mutex<HashMap<String, Reading>>>);

/// One upload as far as it has been read.
#[derive(Debug)]
pub struct Reading {
    at: u64,
    bytes: mpsc::Sender<Result<Bytes, Failure>>,
    outcome: AbortOnDropHandle<Result<ArchiveContents, Failure>>,
    touched: Instant,
}

impl Readings {
    /// The reading that has come to byte `at` of this upload: a new one at its beginning.
    #[must_use]
    pub fn take(&self, id: &str, at: u64) -> Option<Reading> {
        let parked = self.lock().remove(id).filter(|reading| reading.at == at);
        parked.or_else(|| (at == 0).then(Reading::begin))
    }

    /// Puts a reading aside until more comes.
    pub fn park(&self, id: &str, reading: Reading) {
        let mut all = self.lock();
        all.insert(id.to_owned(), reading);
        if all.len() > MOST {
            let oldest = all.iter().min_by_key(|(_, reading)| reading.touched);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                all.remove(&id);
            }
        }
    }

    /// The upload is gone.
    pub fn forget(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    fn begin() -> Self {
        let (bytes, receiver) = mpsc::channel(AHEAD);
        let archive = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        });
        let reading = async move { inspect(archive.boxed(), &Limits::default()).await };
        Self {
            at: 0,
            bytes,
            outcome: AbortOnDropHandle::new(tokio::spawn(reading)),
            touched: Instant::now(),
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn at(&self) -> u64 {
        self.at
    }

    /// Reads on. What is no archive is not read to its end; that is told when somebody asks.
    pub async fn pass(&mut self, chunk: Bytes) {
        self.at += chunk.len() as u64;
        self.touched = Instant::now();
        self.bytes.send(Ok(chunk)).await.ok();
    }

    /// What is inside, when everything has passed; `None` when it cannot be told.
    pub async fn finish(self) -> Option<ArchiveContents> {
        drop(self.bytes);
        self.outcome.await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use imagefleet_archive::build::{docker_archive, image};

    use super::{MOST, Readings};

    #[tokio::test]
    async fn what_is_inside_is_known_when_the_last_byte_has_passed() {
        let archive = docker_archive(&[image(&["demo/web:1.0"], &[b"one", b"two"])]);
        let readings = Readings::default();
        let half = archive.len() / 2;
        let mut reading = readings.take("a", 0).expect("a new one");
        reading.pass(archive.slice(..half)).await;
        readings.park("a", reading);
        assert!(readings.take("b", half as u64).is_none(), "another upload");
        let mut reading = readings.take("a", half as u64).expect("the parked one");
        for chunk in archive.slice(half..).chunks(1_000) {
            reading.pass(Bytes::copy_from_slice(chunk)).await;
        }
        assert_eq!(reading.at(), archive.len() as u64);
        let contents = reading.finish().await.expect("read");
        assert_eq!(contents.references(), ["demo/web:1.0"]);
    }

    #[tokio::test]
    async fn a_part_that_begins_elsewhere_is_not_read_on() {
        let readings = Readings::default();
        let mut reading = readings.take("a", 0).expect("a new one");
        reading.pass(Bytes::from_static(b"hello")).await;
        readings.park("a", reading);
        assert!(readings.take("a", 4).is_none());
        assert!(readings.take("a", 5).is_none(), "it was given up");
    }

    #[tokio::test]
    async fn what_is_no_archive_holds_nobody_up() {
        let mut reading = Readings::default().take("a", 0).expect("a new one");
        for _ in 0..100 {
            reading.pass(Bytes::from(vec![b'x'; 4_096])).await;
        }
        assert!(reading.finish().await.is_none());
    }

    #[tokio::test]
    async fn the_one_that_rested_longest_makes_room() {
        let readings = Readings::default();
        for number in 0..=MOST {
            let mut reading = readings.take(&number.to_string(), 0).expect("a new one");
            reading.pass(Bytes::from_static(b"x")).await;
            readings.park(&number.to_string(), reading);
        }
        assert!(readings.take("0", 1).is_none());
        assert!(readings.take("1", 1).is_some());
    }
}
