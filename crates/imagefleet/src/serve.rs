use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use imagefleet_api::{AppState, Services};
use imagefleet_model::Failure;
use imagefleet_operations::archives::{ArchivePolicy, ArchiveStore};
use imagefleet_operations::reconcilers::{WatchOptions, Watches};
use imagefleet_operations::{EnginePool, Operations, RunnerOptions};
use tokio::net::TcpListener;

use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::{first_start, key, metrics, tls, web};

/// What runs may finish in this time before it is handed over.
const GRACE: Duration = Duration::from_secs(4);
/// Nothing holds up the end for longer.
const HARD_LIMIT: Duration = Duration::from_secs(10);

/// Serves until it is told to end.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let shutdown = Shutdown::listen()?;
    let acceptor = match &settings.tls {
        Some((cert, key)) => Some(tls::acceptor(cert, key)?),
        None => None,
    };
    let store = key::open_store(&settings.data).await?;
    // Before the first account exists nobody must be able to connect, and after it nobody else can take the port.
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    let archives = archives(&settings.archive_store).context("archive store")?;
    // Last of what can go wrong: the password is printed once.
    first_start::create_admin(&store).await?;

    let engines = Arc::new(EnginePool::new(store.clone()));
    let runner = RunnerOptions::default();
    let worker = runner.worker.clone();
    let operations = Operations::new(store.clone(), engines, archives, runner);
    operations.start().await.context("operations")?;
    let watches = Watches::start(operations.deps().clone(), WatchOptions::new(worker));
    let services = Services {
        store,
        operations: operations.clone(),
        watches: watches.clone(),
        config: settings.api,
        metrics: metrics::start()?,
    };
    let state = AppState::new(services);
    let router = imagefleet_api::router(state.clone()).await?;
    let upkeep = tokio::spawn(imagefleet_api::upkeep(state.clone()));

    let scheme = if acceptor.is_some() { "https" } else { "http" };
    println!("imagefleet serves on {scheme}://{}", listener.local_addr()?);
    let web = web::serve(listener, acceptor, router, shutdown.asked.clone());
    let end = async {
        shutdown.asked.cancelled().await;
        tracing::info!("ending: no new requests, what runs is finished or handed over");
        // Live connections have no end of their own.
        state.close_live().await;
        watches.shutdown().await;
        operations.shutdown(GRACE).await;
    };
    tokio::select! {
        _ = async { tokio::join!(web, end) } => {}
        () = shutdown.hurried.cancelled() => tracing::warn!("ending at once"),
        () = async { shutdown.asked.cancelled().await; tokio::time::sleep(HARD_LIMIT).await } => {
            tracing::warn!("ending with requests still open");
        }
    }
    upkeep.abort();
    Ok(())
}

/// A directory of this machine, or what a URL names.
fn archives(place: &str) -> Result<ArchiveStore, Failure> {
    let policy = ArchivePolicy::default();
    if place.contains("://") {
        ArchiveStore::open(place, policy)
    } else {
        ArchiveStore::folder(Path::new(place), policy)
    }
}
