use std::sync::Arc;

use async_trait::async_trait;
use imagefleet_engine::Engine;
use imagefleet_model::{Failure, ServerId};
use imagefleet_store::EngineServer;

/// Where steps and reconcilers get a server's engine from: the pool of real connections, or fakes in tests.
#[async_trait]
pub trait EngineSource: Send + Sync + std::fmt::Debug {
    /// The engine of that server. Cheap: nothing is asked of it yet. Fails when the server is unknown or disabled.
    async fn engine(&self, server: ServerId) -> Result<Arc<dyn Engine>, Failure>;

    /// A new engine for a server as it is given, stored or not: to try a way before it is used.
    fn connect(&self, server: &EngineServer) -> Arc<dyn Engine>;
}
