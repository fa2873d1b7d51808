use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imagefleet_operations::{Event, Operations};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::tally::Tally;

/// Final events of one operation.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    pub ends: u64,
    pub last_status: String,
    pub last_seq: u64,
}

/// Hears everything that is announced, and counts what each operation was told about.
pub struct Listener {
    heard: Arc<Mutex<HashMap<String, Heard>>>,
    listening: JoinHandle<()>,
}

const GROWS: &str = "the numbers of an operation's events grow";
const LATER: &str = "an event is never ahead of its state";

impl Listener {
    pub async fn start(operations: &Operations, tally: Tally) -> Self {
        let heard: Arc<Mutex<HashMap<String, Heard>>> = Arc::default();
        let (kept, mut events) = (Arc::clone(&heard), operations.listen().await.expect("it listens"));
        let store = operations.deps().store.clone();
        let listening = tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(Event::Progress(steps)) => {
                        let mut heard = lock(&kept);
                        for told in steps.iter() {
                            let of = heard.entry(told.operation_id.clone()).or_default();
                            tally.hold(GROWS, told.seq > of.last_seq, || {
                                format!("{}: {} after {}", told.operation_id, told.seq, of.last_seq)
                            });
                            of.last_seq = told.seq;
                        }
                    }
                    Ok(Event::Ended(end)) => {
                        let id = end.operation.id.clone();
                        // Somebody may have retried it meanwhile: then it is open again, in a later attempt.
                        let stored = store.operation(&id).await;
                        tally.hold(LATER, stored.is_ok(), || {
                            format!("{id} ended, but cannot be read")
                        });
                        let mut heard = lock(&kept);
                        let of = heard.entry(id.clone()).or_default();
                        tally.hold(GROWS, end.seq > of.last_seq, || {
                            format!("{id}: {} after {}", end.seq, of.last_seq)
                        });
                        of.last_seq = end.seq;
                        of.ends += 1;
                        end.operation.status.as_str().clone_into(&mut of.last_status);
                        tally.outcome(end.operation.kind.as_str(), end.operation.status.as_str());
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(missed)) => {
                        tally.breach(GROWS, format!("the listener missed {missed} events"));
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Self { heard, listening }
    }

    /// What was heard of an operation.
    pub fn of(&self, operation: &str) -> Heard {
        lock(&self.heard).get(operation).cloned().unwrap_or_default()
    }

    pub fn stop(&self) {
        self.listening.abort();
    }
}

fn lock(heard: &Mutex<HashMap<String, Heard>>) -> MutexGuard<'_, HashMap<String, Heard>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
