//! A stateful engine in memory: deterministic from a seed, cheap by the thousand, and faulty on demand.
//!
//! It keeps images, references, layers and containers as an engine does, speaks of transfers in an engine's own
//! messages (which the real decoder reads), and saves and loads real archives, small ones. Its time is tokio's, so
//! tests may pause it.

mod answers;
mod archive;
mod containers;
mod content;
mod create_form;
mod crowd;
mod engine;
mod faults;
mod http;
mod random;
mod registry;
mod routes;
mod state;
mod tar;
mod tell;
mod transfer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imagefleet_model::{Clock, ImageStore, SystemClock};
use tokio::sync::watch;

pub use self::crowd::Crowd;
pub use self::faults::{Fault, FaultyCall};
pub use self::registry::FakeRegistry;

use self::faults::Faults;
use self::state::State;

/// How a fake engine is to be.
#[derive(Debug, Clone)]
pub struct FakeOptions {
    /// What it holds at first follows from this.
    pub seed: u64,
    /// How many images it holds at first.
    pub images: usize,
    /// How many containers it runs at first.
    pub containers: usize,
    /// How it keeps images.
    pub store: ImageStore,
    /// What it says of its version.
    pub engine_version: String,
    /// Bytes that move in a second of tokio's time; `None` for no waiting at all.
    pub bytes_per_second: Option<u64>,
    /// From where it pulls and to where it pushes. Give the same to many engines: they share the content.
    pub registry: FakeRegistry,
    /// Counts who asks for images at once. Give the same to many engines.
    pub crowd: Crowd,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for FakeOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            images: 0,
            containers: 0,
            store: ImageStore::Classic,
            engine_version: "20.10.24".to_owned(),
            bytes_per_second: None,
            registry: FakeRegistry::new(1),
            crowd: Crowd::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// An engine in memory. Clones are the same engine.
#[derive(Debug, Clone)]
pub struct FakeEngine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    faults: Faults,
    options: FakeOptions,
    /// How many events there were: wakes those who wait for the next.
    news: watch::Sender<u64>,
}

impl FakeEngine {
    /// An engine as the options say.
    #[must_use]
    pub fn new(options: FakeOptions) -> Self {
        let state = State::seeded(&options);
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            faults: Faults::default(),
            options,
            news: watch::Sender::new(0),
        }))
    }

    /// An engine of the classic store with so many images.
    #[must_use]
    pub fn seeded(seed: u64, images: usize) -> Self {
        Self::new(FakeOptions {
            seed,
            images,
            ..FakeOptions::default()
        })
    }

    /// From now on `call` goes wrong, so many `times` or, with `None`, until [`heal`](Self::heal).
    pub fn inject(&self, call: FaultyCall, fault: Fault, times: Option<usize>) {
        self.0.faults.plan(call, fault, times);
    }

    /// Takes every fault back.
    pub fn heal(&self) {
        self.0.faults.clear();
    }

    /// How often it was asked for this.
    #[must_use]
    pub fn calls(&self, call: FaultyCall) -> usize {
        self.0.faults.calls(call)
    }

    /// Its registry.
    #[must_use]
    pub fn registry(&self) -> &FakeRegistry {
        &self.0.options.registry
    }

    /// Puts an image there at once, as if somebody had pulled it by hand.
    pub fn hold(&self, reference: &str) -> crate::Result<()> {
        let reference = transfer::parse(reference)?;
        let content = self.registry().content(&reference)?;
        self.change(|state| state.store(&reference, content, "pull"));
        Ok(())
    }

    /// How many images (ids) it holds.
    #[must_use]
    pub fn image_count(&self) -> usize {
        self.lock().image_count()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes those who watch the events.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        state.now = self.0.options.clock.now();
        let outcome = change(&mut state);
        let count = state.event_count();
        drop(state);
        self.0.news.send_replace(count);
        outcome
    }
}
