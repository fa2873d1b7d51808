use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use imagefleet_model::Failure;
use imagefleet_store::{Hearing, Store};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Event;
use crate::event::Change;

/// Events that a slow listener may be behind before it misses some.
const BUFFER: usize = 4096;
/// Changes that are told in one transaction.
const TOGETHER: usize = 256;
/// How soon a database that is away is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// The way from what happens to who listens in this program. A program that has its store alone announces right here; one that shares it
/// hears from the store what any of them has told, its own too: all of them in the same order.
#[derive(Debug, Clone)]
pub struct Announcer {
    here: broadcast::Sender<Event>,
    /// Where there is one, what is announced goes to all.
    to_all: Option<ToAll>,
}

#[derive(Debug, Clone)]
struct ToAll {
    changes: UnboundedSender<Change>,
    /// Until somebody listens.
    waiting: Arc<Mutex<Option<UnboundedReceiver<Change>>>>,
}

impl Announcer {
    /// Announces where the store's programs hear it.
    pub fn new(store: &Store) -> Self {
        let (here, _) = broadcast::channel(BUFFER);
        let to_all = store.is_shared().then(|| {
            let (changes, waiting) = unbounded_channel();
            ToAll {
                changes,
                waiting: Arc::new(Mutex::new(Some(waiting))),
            }
        });
        Self { here, to_all }
    }

    /// Announces what the store has numbered; a shared one has told it already. Nobody listening is no error.
    pub fn stored(&self, event: Event) {
        if self.to_all.is_none() {
            self.here.send(event).ok();
        }
    }

    /// Announces that something is not as before.
    pub fn changed(&self, change: Change) {
        match &self.to_all {
            None => self.here.send(Event::Changed(change)).map(drop).ok(),
            Some(to_all) => to_all.changes.send(change).ok(),
        };
    }

    /// Everything that is announced from now on, by any program. What was told before the end is heard before `tracker`'s tasks end.
    pub async fn listen(
        &self,
        store: &Store,
        closed: &CancellationToken,
        tracker: &TaskTracker,
    ) -> Result<broadcast::Receiver<Event>, Failure> {
        let events = self.here.subscribe();
        let hearing = store.hear().await?;
        let changes = self.to_all.as_ref().and_then(ToAll::take);
        // The first who listens begins to hear for all.
        if let (Some(hearing), Some(changes)) = (hearing, changes) {
            let told = CancellationToken::new();
            tracker.spawn(hear(hearing, self.here.clone(), told.clone()));
            tracker.spawn(tell(store.clone(), changes, closed.clone(), told));
        }
        Ok(events)
    }
}

impl ToAll {
    fn take(&self) -> Option<UnboundedReceiver<Change>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Tells all programs what has changed, until this one ends; then `told` is set.
async fn tell(
    store: Store,
    mut changes: UnboundedReceiver<Change>,
    closed: CancellationToken,
    told: CancellationToken,
) {
    let _told = told.drop_guard();
    loop {
        let mut some = Vec::new();
        tokio::select! {
            biased;
            count = changes.recv_many(&mut some, TOGETHER) => if count == 0 { return },
            () = closed.cancelled() => return,
        }
        // The same again in one breath is not worth a word.
        some.dedup();
        let some: Vec<Value> = some
            .iter()
            .filter_map(|change| serde_json::to_value(change).ok())
            .collect();
        while let Err(error) = store.tell(&some).await {
            tracing::warn!(%error, "what has changed could not be told: trying again");
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = closed.cancelled() => return,
            }
        }
    }
}

/// Hears what all programs tell, until this one has told everything.
async fn hear(mut hearing: Hearing, here: broadcast::Sender<Event>, told: CancellationToken) {
    let announce = |news: Vec<_>| {
        for event in news.into_iter().filter_map(Event::heard) {
            here.send(event).ok();
        }
    };
    let hear = async {
        while let Some(news) = hearing.next().await {
            announce(news);
        }
    };
    tokio::select! {
        () = hear => {}
        () = told.cancelled() => {}
    }
    while let Ok(news) = hearing.rest().await
        && !news.is_empty()
    {
        announce(news);
    }
}
