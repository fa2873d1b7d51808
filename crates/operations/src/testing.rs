//! A fleet of fake engines for tests: real store, real runner, engines in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use imagefleet_engine::Engine;
use imagefleet_engine::fake::{FakeEngine, Fault, FaultyCall};
use imagefleet_model::{Endpoint, ErrorCode, Failure, Operation, ServerId};
use imagefleet_store::{EngineServer, NewServer, Store};
use tokio::sync::broadcast;

use crate::archives::{ArchivePolicy, ArchiveStore};
use crate::{EngineSource, Event, Operations, RunnerOptions};

/// Fake engines by server id.
#[derive(Debug, Clone, Default)]
pub struct FakeFleet(Arc<Mutex<HashMap<ServerId, FakeEngine>>>);

#[async_trait]
impl EngineSource for FakeFleet {
    async fn engine(&self, server: ServerId) -> Result<Arc<dyn Engine>, Failure> {
        let engines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match engines.get(&server) {
            Some(engine) => Ok(Arc::new(engine.clone())),
            None => Err(Failure::new(
                ErrorCode::ServerNotFound,
                "There is no such server.",
            )),
        }
    }

    /// A way that nobody has added leads to an engine that does not answer.
    fn connect(&self, server: &EngineServer) -> Arc<dyn Engine> {
        let engines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = engines.get(&server.id).cloned().unwrap_or_else(|| {
            let engine = FakeEngine::seeded(0, 0);
            engine.inject(FaultyCall::Any, Fault::Offline, None);
            engine
        });
        Arc::new(engine)
    }
}

impl FakeFleet {
    /// Adds a server with that engine to the store.
    pub async fn add(&self, store: &Store, name: &str, engine: FakeEngine) -> Result<ServerId, Failure> {
        let server = store
            .create_server(NewServer {
                name: name.to_owned(),
                endpoint: Endpoint::Unix(format!("/nowhere/{name}.sock")),
                description: String::new(),
                tags: Vec::new(),
                enabled: true,
                tls: None,
                ssh: None,
            })
            .await?;
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(server.id, engine);
        Ok(server.id)
    }
}

/// Operations on a fleet, their runner started, archives in a folder that goes with this.
#[derive(Debug)]
pub struct TestOperations {
    /// The way in.
    pub operations: Operations,
    /// The engines.
    pub fleet: FakeFleet,
    /// Everything that is announced.
    pub events: broadcast::Receiver<Event>,
    _archives: tempfile::TempDir,
}

impl TestOperations {
    /// A runner that tries again quickly, on that store.
    pub async fn start(store: &Store) -> Result<Self, Failure> {
        let options = RunnerOptions {
            backoff: Duration::from_millis(20),
            ..RunnerOptions::default()
        };
        Self::start_with(store, options).await
    }

    /// A runner with those options.
    pub async fn start_with(store: &Store, options: RunnerOptions) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()
            .map_err(|error| Failure::new(ErrorCode::Internal, format!("no folder for the test: {error}")))?;
        let archives = ArchiveStore::folder(folder.path(), ArchivePolicy::default())?;
        let fleet = FakeFleet::default();
        let operations = Operations::new(store.clone(), Arc::new(fleet.clone()), archives, options);
        let events = operations.listen().await?;
        operations.start().await?;
        Ok(Self {
            operations,
            fleet,
            events,
            _archives: folder,
        })
    }

    /// Waits for the final event of an operation; what it announced.
    ///
    /// # Panics
    /// When it does not come: with the operation as it stands.
    pub async fn end_of(&mut self, id: &str) -> Operation {
        let patience = tokio::time::Instant::now() + Duration::from_mins(1);
        loop {
            match tokio::time::timeout_at(patience, self.events.recv()).await {
                Ok(Ok(Event::Ended(end))) if end.operation.id == id => return end.operation.clone(),
                Ok(Ok(_) | Err(broadcast::error::RecvError::Lagged(_))) => {}
                Ok(Err(broadcast::error::RecvError::Closed)) => panic!("the runner is gone"),
                Err(late) => panic!(
                    "no end ({late}): {:?}",
                    self.operations.deps().store.operation(id).await
                ),
            }
        }
    }
}
