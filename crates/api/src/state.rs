use std::ops::Deref;
use std::sync::Arc;

use imagefleet_model::Timestamp;
use imagefleet_operations::reconcilers::Watches;
use imagefleet_operations::{Change, Operations};
use imagefleet_store::Store;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::auth::{Passwords, Throttle};
use crate::config::ApiConfig;
use crate::events::Live;

/// What the surfaces stand on; the program gives it.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub store: Store,
    /// The way to operations.
    pub operations: Operations,
    /// The watching of servers, to be rung when one was added or changed.
    pub watches: Watches,
    /// What an operator set.
    pub config: ApiConfig,
    /// Writes the metrics in Prometheus' text form.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Where live events are sent: a runtime of one thread sends them best.
    pub sockets: Handle,
}

/// What every handler can reach. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

/// The services and what the surfaces themselves keep in memory.
pub struct Inner {
    services: Services,
    /// Hashing and checking of passwords.
    pub passwords: Passwords,
    /// Slows down who guesses passwords.
    pub throttle: Throttle,
    /// The live events.
    pub live: Live,
    /// What has no end of its own ends with it.
    pub ending: CancellationToken,
}

impl AppState {
    /// From the program's services.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self(Arc::new(Inner {
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            live: Live::default(),
            ending: CancellationToken::new(),
            services,
        }))
    }

    /// Rights, sessions or tokens have changed: those who are connected are looked at, in whichever program.
    pub fn rights_changed(&self) {
        self.operations.deps().changed(Change::Rights);
    }

    /// Ends what has no end of its own in this program: live connections, and logs that are followed.
    pub async fn close_live(&self) {
        self.ending.cancel();
        self.live.close().await;
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.store.clock().now()
    }
}

impl Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Deref for Inner {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}
