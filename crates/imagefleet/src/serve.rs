use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use imagefleet_api::{AppState, Services};
use imagefleet_model::Failure;
use imagefleet_operations::archives::{ArchivePolicy, ArchiveStore};
use imagefleet_operations::reconcilers::{WatchOptions, Watches};
use imagefleet_operations::{EnginePool, Operations};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::{first_start, key, metrics, tls, web};

/// Serves until it is told to end. Live events are sent on a runtime of their own.
pub async fn serve(settings: Settings, sockets: Handle) -> anyhow::Result<()> {
    let shutdown = Shutdown::listen()?;
    let acceptor = match &settings.tls {
        Some((cert, key)) => Some(tls::acceptor(cert, key)?),
        None => None,
    };
    let queue = settings.queue;
    let store = key::open_store(&settings.data).await?.with_queue(queue.settings);
    // Before the first account exists nobody must be able to connect, and after it nobody else can take the port.
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    let archives = archives(&settings.archive_store, settings.archive_policy).context("archive store")?;
    // Last of what can go wrong: the password is printed once.
    first_start::create_admin(&store).await?;

    let engines = Arc::new(EnginePool::new(store.clone()));
    let runner = queue.runner;
    let worker = runner.worker.clone();
    let operations = Operations::new(store.clone(), engines, archives, runner);
    operations.start().await.context("operations")?;
    let watches = Watches::start(operations.deps().clone(), WatchOptions::new(worker));
    let services = Services {
        store: store.clone(),
        operations: operations.clone(),
        watches: watches.clone(),
        config: settings.api,
        metrics: metrics::start()?,
        sockets,
    };
    let state = AppState::new(services);
    let router = imagefleet_api::router(state.clone()).await?;
    let upkeep = tokio::spawn(imagefleet_api::upkeep(state.clone()));

    let scheme = if acceptor.is_some() { "https" } else { "http" };
    println!("imagefleet serves on {scheme}://{}", listener.local_addr()?);
    let inventory = store.clone();
    tokio::spawn(async move {
        if let Err(error) = inventory.warm_up().await {
            tracing::warn!(%error, "the inventory could not be read");
        }
    });
    let web = web::serve(listener, acceptor, router, shutdown.asked.clone());
    let end = async {
        shutdown.asked.cancelled().await;
        tracing::info!("ending: no new requests, what runs is finished or handed over");
        watches.shutdown().await;
        operations.shutdown(queue.grace).await;
        // Last, so that the ends of the grace are heard; live connections have no end of their own.
        state.close_live().await;
    };
    let ended = async {
        tokio::join!(web, end);
        upkeep.abort();
        // On SQLite everything is in the one file then, and a copy of it is whole.
        store.close().await;
    };
    tokio::select! {
        () = ended => {}
        () = shutdown.hurried.cancelled() => tracing::warn!("ending at once"),
        () = async { shutdown.asked.cancelled().await; tokio::time::sleep(queue.stop_limit).await } => {
            tracing::warn!("ending with requests still open");
        }
    }
    Ok(())
}

/// A directory of this machine, or what a URL names.
pub fn archives(place: &str, policy: ArchivePolicy) -> Result<ArchiveStore, Failure> {
    if place.contains("://") {
        // What is no text is no setting.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        ArchiveStore::open(place, variables, policy)
    } else {
        ArchiveStore::folder(Path::new(place), policy)
    }
}
