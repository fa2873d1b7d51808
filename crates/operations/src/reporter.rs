use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use imagefleet_engine::{TransferUpdate, percent};
use imagefleet_model::{OperationKind, Progress};
use imagefleet_store::ProgressUpdate;
use tokio::time::Instant;

/// Over how long a speed is averaged.
const SPEED_WINDOW: Duration = Duration::from_secs(3);

/// A step that has just begun was told as waiting a moment ago: its first progress comes as long after that as the others after each
/// other.
const FIRST: Duration = Duration::from_millis(250);

/// The latest progress of every step that runs here. Reporting only writes a value; the pump takes what has changed
/// four times a second, so a reporter never waits for a database or a browser.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<HashMap<i64, Slot>>>);

#[derive(Debug)]
struct Slot {
    kind: OperationKind,
    progress: Progress,
    changed: bool,
    opened: Instant,
    /// Bytes that the metrics know of.
    counted: u64,
    /// Bytes at moments within the window, oldest first.
    samples: Vec<(Instant, u64)>,
}

impl Board {
    /// A reporter for one step; its place on the board goes when the reporter is [closed](Board::close).
    pub fn open(&self, step: i64, kind: OperationKind) -> Reporter {
        let slot = Slot {
            kind,
            progress: Progress::default(),
            changed: false,
            opened: Instant::now(),
            counted: 0,
            samples: Vec::new(),
        };
        self.lock().insert(step, slot);
        Reporter {
            board: self.clone(),
            step,
        }
    }

    /// Takes a step off the board.
    pub fn close(&self, step: i64) {
        if let Some(mut slot) = self.lock().remove(&step) {
            slot.count();
        }
    }

    /// Where a step is, when nobody was told yet.
    pub fn take_last(&self, step: i64) -> Option<ProgressUpdate> {
        let mut board = self.lock();
        let slot = board.get_mut(&step).filter(|slot| slot.changed)?;
        slot.changed = false;
        slot.measure(Instant::now());
        let progress = slot.progress.clone();
        Some(ProgressUpdate { step, progress })
    }

    /// What has changed since the last call.
    pub fn take_changed(&self) -> Vec<ProgressUpdate> {
        let now = Instant::now();
        let mut updates = Vec::new();
        let due = |slot: &Slot| slot.changed && now.duration_since(slot.opened) >= FIRST;
        for (step, slot) in self.lock().iter_mut().filter(|(_, slot)| due(slot)) {
            slot.changed = false;
            slot.measure(now);
            slot.count();
            updates.push(ProgressUpdate {
                step: *step,
                progress: slot.progress.clone(),
            });
        }
        updates
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Counts the bytes that were moved since the last time. A new phase begins at zero.
    fn count(&mut self) {
        let done = self.progress.bytes_done;
        let more = done.saturating_sub(self.counted);
        self.counted = done;
        if more > 0 {
            metrics::counter!("imagefleet_bytes_moved_total", "kind" => self.kind.as_str()).increment(more);
        }
    }

    fn measure(&mut self, now: Instant) {
        let done = self.progress.bytes_done;
        self.samples
            .retain(|(at, _)| now.duration_since(*at) <= SPEED_WINDOW);
        if self.samples.last().is_some_and(|(_, bytes)| *bytes > done) {
            self.samples.clear();
        }
        self.samples.push((now, done));
        self.progress.bytes_per_second = match (self.samples.first(), self.samples.len()) {
            (Some((at, bytes)), 2..) => {
                let elapsed = u64::try_from(now.duration_since(*at).as_millis()).unwrap_or(u64::MAX);
                (done - bytes).saturating_mul(1000).checked_div(elapsed)
            }
            _ => None,
        };
    }
}

/// Tells how far one step is.
#[derive(Debug, Clone)]
pub struct Reporter {
    board: Board,
    step: i64,
}

impl Reporter {
    /// The step is here now. The percentage never falls back.
    pub fn set(&self, progress: Progress) {
        let mut board = self.board.lock();
        if let Some(slot) = board.get_mut(&self.step) {
            let percent = slot.progress.percent.max(progress.percent);
            slot.progress = Progress { percent, ..progress };
            slot.changed = true;
        }
    }

    /// What is being done; the figures stay.
    pub fn say(&self, message: impl Into<String>) {
        let mut board = self.board.lock();
        if let Some(slot) = board.get_mut(&self.step) {
            slot.progress.message = message.into();
            slot.changed = true;
        }
    }

    /// A pull or push is here now.
    pub fn transfer(&self, update: TransferUpdate) {
        self.set(Progress {
            percent: percent(&update),
            message: update.message,
            bytes_done: update.bytes_done,
            bytes_total: update.bytes_total,
            bytes_per_second: None,
            layers: update.layers,
        });
    }

    /// The transfer has ended well: engines do not always say so of every layer.
    pub fn layers_done(&self) {
        let mut board = self.board.lock();
        if let Some(slot) = board.get_mut(&self.step) {
            for layer in slot
                .progress
                .layers
                .iter_mut()
                .filter(|layer| layer.status != "exists")
            {
                "done".clone_into(&mut layer.status);
                layer.bytes_done = layer.bytes_total.unwrap_or(layer.bytes_done);
            }
            slot.changed = true;
        }
    }

    /// So many bytes of so many, which make up the percentages from `from` to `to`.
    pub fn bytes(&self, message: &str, done: u64, total: Option<u64>, from: u8, to: u8) {
        let share = total.filter(|total| *total > 0).map_or(0, |total| {
            u64::from(to.saturating_sub(from)) * done.min(total) / total
        });
        let percent = from
            .saturating_add(u8::try_from(share).unwrap_or(u8::MAX))
            .min(99);
        self.set(Progress {
            percent,
            message: message.to_owned(),
            bytes_done: done,
            bytes_total: total,
            ..Progress::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use imagefleet_model::{OperationKind, Progress};

    use super::{Board, FIRST};

    #[tokio::test(start_paused = true)]
    async fn only_the_latest_value_counts_and_it_never_falls_back() {
        let board = Board::default();
        let reporter = board.open(7, OperationKind::PullImage);
        assert!(board.take_changed().is_empty());
        reporter.bytes("Downloading", 50, Some(100), 0, 80);
        reporter.set(Progress {
            percent: 10,
            ..Progress::default()
        });
        assert!(board.take_changed().is_empty(), "it has just begun");
        tokio::time::advance(FIRST).await;
        let changed = board.take_changed();
        assert_eq!(
            (changed.len(), changed[0].step, changed[0].progress.percent),
            (1, 7, 40)
        );
        assert!(board.take_changed().is_empty());
        board.close(7);
        reporter.say("too late");
        assert!(board.take_changed().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn speed_is_that_of_the_last_seconds() {
        let board = Board::default();
        let reporter = board.open(1, OperationKind::PullImage);
        tokio::time::advance(FIRST).await;
        for second in 0..10u64 {
            reporter.bytes("Downloading", second * 1_000_000, None, 0, 80);
            let speed = board.take_changed()[0].progress.bytes_per_second;
            assert_eq!(speed, (second > 0).then_some(1_000_000));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    }
}
