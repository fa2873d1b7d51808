use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use imagefleet_archive::{ByteStream, CopyCounters, into_body};
use imagefleet_engine::{Engine, TransferUpdate};
use imagefleet_model::{ErrorCode, Failure, ImageStore};

use crate::reporter::Reporter;

/// How often the board is told.
const LOOK: Duration = Duration::from_millis(250);
/// The percentages that a load makes up; what follows is looking whether all is there.
const SHARE: u8 = 97;

/// An archive on its way into one engine.
pub struct Loading {
    /// The archive.
    pub bytes: ByteStream,
    /// What went to the engine.
    pub counters: Arc<CopyCounters>,
    /// Bytes of the whole, as far as known.
    pub total: u64,
    /// How the engine keeps images.
    pub store: ImageStore,
}

/// How far a load is.
struct Place {
    counters: Arc<CopyCounters>,
    total: u64,
    /// How many thousandths of the time the sending takes, as measured.
    sending: u64,
    /// Bytes of layers that the engine says it has loaded.
    loaded: u64,
}

impl Place {
    /// A byte counts in part when it is sent and for the rest when it is loaded: a classic store takes an archive aside
    /// in a moment and then unpacks it for long, telling how far it is; a containerd store takes it in as it comes, and
    /// Podman takes it aside and then says nothing.
    fn bytes(&self) -> (u64, u64) {
        let figures = self.counters.figures();
        let total = self.total.max(figures.bytes_total);
        let thousandth = |part: u64, of: u64| (part.min(of) * 1000).checked_div(of).unwrap_or(0);
        let sent = if self.counters.sent_all() {
            1000
        } else {
            thousandth(figures.bytes_total, total)
        };
        // Of what was not sent the engine says nothing.
        let loaded = thousandth(self.loaded, figures.bytes_sent);
        let done = self.sending * sent + (1000 - self.sending) * loaded;
        let bytes = u128::from(total) * u128::from(done) / 1_000_000;
        (u64::try_from(bytes).unwrap_or(total), total)
    }

    fn tell(&self, progress: &Reporter) {
        let (done, total) = self.bytes();
        let message = if self.counters.sent_all() {
            "The engine unpacks the layers"
        } else {
            "Sending the archive"
        };
        progress.bytes(message, done, Some(total), 0, SHARE);
    }
}

/// Loads an archive and tells how far it is; the references that the engine names.
pub async fn load(
    engine: &dyn Engine,
    loading: Loading,
    progress: &Reporter,
) -> Result<Vec<String>, Failure> {
    let mut place = Place {
        counters: loading.counters,
        total: loading.total,
        sending: match loading.store {
            ImageStore::Classic => 250,
            ImageStore::Containerd => 800,
            ImageStore::Podman => 300,
        },
        loaded: 0,
    };
    let mut updates = {
        let watch = async {
            loop {
                tokio::time::sleep(LOOK).await;
                place.tell(progress);
            }
        };
        tokio::select! {
            updates = engine.load(into_body(loading.bytes)) => updates?,
            () = watch => return Err(Failure::new(ErrorCode::Internal, "The watch of a load never ends.")),
        }
    };
    let mut loaded = Vec::new();
    loop {
        // Silence is told too: how much was sent may have changed.
        if let Ok(next) = tokio::time::timeout(LOOK, updates.try_next()).await {
            match next? {
                Some(update) => take(update, &mut place, &mut loaded),
                None => break,
            }
        }
        place.tell(progress);
    }
    let (_, total) = place.bytes();
    progress.bytes("Loaded", total, Some(total), 0, SHARE);
    Ok(loaded)
}

fn take(update: TransferUpdate, place: &mut Place, loaded: &mut Vec<String>) {
    place.loaded = update.bytes_done;
    *loaded = update.loaded;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::{StreamExt as _, TryStreamExt as _, stream};
    use imagefleet_archive::build::{BuiltImage, docker_archive};
    use imagefleet_archive::{CopyPlan, Limits, TargetPlan, copy};

    use super::Place;

    #[tokio::test]
    async fn a_byte_counts_when_it_is_sent_and_when_it_is_loaded() {
        let layer = vec![7_u8; 2_000_000];
        let archive = docker_archive(&[BuiltImage::new(&["a:1"], "amd64", vec![layer.into()])]);
        let total = archive.len() as u64;
        let plan = CopyPlan {
            images: vec![],
            targets: vec![TargetPlan::default()],
            stall: std::time::Duration::from_secs(9),
            limits: Limits::default(),
        };
        let source = stream::iter([Ok(archive)]).boxed();
        let mut copying = copy(source, plan);
        let target = copying.targets.remove(0);
        let mut place = Place {
            counters: Arc::clone(&target.counters),
            total,
            sending: 250,
            loaded: 0,
        };
        assert_eq!(place.bytes(), (0, total));
        let (outcome, sent) = tokio::join!(copying.run, target.bytes.try_collect::<Vec<_>>());
        assert!(outcome.is_ok() && sent.is_ok());
        assert_eq!(place.bytes(), (total / 4, total));
        place.loaded = total / 2;
        let (half, _) = place.bytes();
        assert!(
            half > total * 6 / 10 && half < total * 65 / 100,
            "{half} of {total}"
        );
        place.loaded = total * 2;
        assert_eq!(place.bytes(), (total, total));
    }
}
