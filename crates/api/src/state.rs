use std::ops::Deref;
use std::sync::Arc;

use imagefleet_model::Timestamp;
use imagefleet_operations::Operations;
use imagefleet_store::Store;

use crate::auth::{Passwords, Throttle};
use crate::config::ApiConfig;

/// What the surfaces stand on; the program gives it.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub store: Store,
    /// The way to operations.
    pub operations: Operations,
    /// What an operator set.
    pub config: ApiConfig,
    /// Writes the metrics in Prometheus' text form.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
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
}

impl AppState {
    /// From the program's services.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self(Arc::new(Inner {
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            services,
        }))
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
