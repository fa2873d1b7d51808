use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{Stream, StreamExt};
use imagefleet_engine::docker::{Connection, connect};
use imagefleet_engine::{Engine, Result, TransferUpdate};
use imagefleet_model::{ImageRef, ImageStore};

/// No single step of the contract takes longer, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// An engine under test, and names that nobody else uses.
pub struct Subject {
    pub engine: Arc<dyn Engine>,
    pub store: ImageStore,
    pub registry: String,
    pub real: bool,
    bridge: bool,
    pub nonce: String,
}

impl Subject {
    pub fn fake(engine: Arc<dyn Engine>, store: ImageStore) -> Self {
        Self {
            engine,
            store,
            registry: "127.0.0.1:5000".to_owned(),
            real: false,
            bridge: false,
            nonce: "fake".to_owned(),
        }
    }

    pub fn real(endpoint: &str, registry: &str, store: ImageStore) -> Self {
        let connection = Connection::new(endpoint.parse().expect("an endpoint of the lab"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        Self {
            engine: connect(&connection),
            store,
            registry: registry.to_owned(),
            real: true,
            bridge: std::env::var("IMAGEFLEET_LAB_BRIDGE").is_ok_and(|bridge| bridge == endpoint),
            nonce: format!("{:x}", now.as_nanos()),
        }
    }

    /// A repository of this run alone, in the lab's registry.
    pub fn own(&self, name: &str) -> String {
        format!("{}/contract/{name}-{}", self.registry, self.nonce)
    }

    /// Whether this is the lab's engine with a bridge network: published ports answer there.
    pub fn has_bridge(&self) -> bool {
        !self.real || self.bridge
    }

    pub async fn introduces_itself(&self) {
        within(self.engine.ping()).await.expect("ping");
        let info = within(self.engine.info()).await.expect("info");
        assert_eq!(info.image_store, self.store);
        assert_eq!(info.platform, "linux/amd64");
        assert!(!info.engine_version.is_empty());
        let minor: u32 = info
            .api_version
            .strip_prefix("1.")
            .and_then(|minor| minor.parse().ok())
            .expect("a version 1.x");
        assert!((41..=51).contains(&minor), "{}", info.api_version);
        assert!(info.cpus.is_some_and(|cpus| cpus > 0) && info.memory_bytes.is_some_and(|bytes| bytes > 0));
        let networks = within(self.engine.networks()).await.expect("networks");
        assert!(!networks.is_empty());
    }
}

/// The same content is known under names of different length: `localhost/…`, `docker.io/…`.
pub fn same_reference(one: &str, other: &str) -> bool {
    let canonical = |text: &str| {
        ImageRef::parse(text)
            .ok()
            .map(|parsed| (parsed.canonical_repository(), parsed.tag().map(ToOwned::to_owned)))
    };
    canonical(one).is_some() && canonical(one) == canonical(other)
}

/// Reads a transfer to its end; nothing in it may fall back.
pub async fn to_the_end(
    stream: impl Stream<Item = Result<TransferUpdate>> + Unpin,
) -> Result<Vec<TransferUpdate>> {
    let mut stream = stream;
    let mut seen: Vec<TransferUpdate> = Vec::new();
    within(async {
        while let Some(update) = stream.next().await {
            let update = update?;
            if let Some(before) = seen.last() {
                assert!(before.bytes_done <= update.bytes_done && before.percent <= update.percent);
                assert!(before.bytes_total <= update.bytes_total);
            }
            seen.push(update);
        }
        Ok(seen)
    })
    .await
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("the engine did not answer in time")
}
