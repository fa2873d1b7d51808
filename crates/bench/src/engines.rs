use imagefleet_engine::fake::{FakeEngine, FakeOptions, FakeRegistry};
use serde_json::json;
use tokio::task::JoinSet;

use crate::program::Program;

/// Fake engines behind sockets of this process, so that what the program costs is not mixed with what they cost.
pub struct Engines {
    /// Each, with where it answers.
    pub all: Vec<(FakeEngine, String)>,
    _serving: JoinSet<()>,
}

impl Engines {
    /// So many engines with so many images each; their pulls move at this pace, or at once.
    pub async fn start(count: u64, images: usize, bytes_per_second: Option<u64>) -> anyhow::Result<Self> {
        let registry = FakeRegistry::new(1);
        let mut all = Vec::new();
        let mut serving = JoinSet::new();
        for seed in 1..=count {
            let engine = FakeEngine::new(FakeOptions {
                seed,
                images,
                containers: images / 100,
                bytes_per_second,
                registry: registry.clone(),
                ..FakeOptions::default()
            });
            let (address, served) = engine.serve().await?;
            serving.spawn(served);
            all.push((engine, format!("tcp://{address}")));
        }
        Ok(Self {
            all,
            _serving: serving,
        })
    }

    /// Every image row that an inventory of them has: one a reference, and one for each image without any.
    pub async fn rows(&self) -> anyhow::Result<u64> {
        use imagefleet_engine::Engine as _;
        let mut rows = 0;
        for (engine, _) in &self.all {
            rows += imagefleet_store::seen_images(&engine.images().await?).len() as u64;
        }
        Ok(rows)
    }

    /// Adds them to the program as servers; their ids, in the same order.
    pub async fn add_to(&self, program: &Program) -> anyhow::Result<Vec<i64>> {
        let mut ids = Vec::new();
        for (number, (_, endpoint)) in self.all.iter().enumerate() {
            let name = format!("server-{:04}", number + 1);
            ids.push(program.add_server(&name, endpoint, json!({})).await?);
        }
        Ok(ids)
    }
}
