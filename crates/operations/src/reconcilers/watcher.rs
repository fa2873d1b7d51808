use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use imagefleet_engine::Engine;
use imagefleet_model::{ErrorCode, Failure, ServerId};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::watch::WatcherDeps;
use crate::Event;
use crate::kinds::sync;

/// Watches one server until it is dropped: online, offline with growing patience, and online again.
pub async fn watch(shared: WatcherDeps, server: ServerId) {
    let mut failures = 0u32;
    loop {
        let Err(failure) = follow(&shared, server, &mut failures).await;
        match shared.deps.store.set_server_offline(server, &failure).await {
            Ok(change) if change.changed => {
                tracing::warn!(server, code = failure.code.as_str(), reason = %failure.message, "server offline");
                shared.deps.announce(Event::ServerChanged(server));
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, server, "the server's state could not be stored"),
        }
        tokio::time::sleep(wait(&shared, failures)).await;
        failures = failures.saturating_add(1);
    }
}

/// Doubled each time, with a share of chance: a hundred servers that went together do not come back together.
fn wait(shared: &WatcherDeps, failures: u32) -> Duration {
    let wait = shared
        .options
        .backoff
        .saturating_mul(2u32.saturating_pow(failures.min(16)));
    wait.min(shared.options.longest_backoff)
        .mul_f64(rand::random_range(0.75..1.25))
}

/// Follows the server's events; ends only by a failure.
async fn follow(shared: &WatcherDeps, server: ServerId, failures: &mut u32) -> Result<Infallible, Failure> {
    let engine = shared.deps.engines.engine(server).await?;
    ask(shared, server, &engine).await?;
    *failures = 0;
    let began = shared.deps.store.clock().now();
    let mut events = engine.events(Some(began)).await?;
    look(shared, server, &engine).await?;
    let mut next_ask = Instant::now() + shared.options.ask;
    let mut next_look = Instant::now() + jittered(shared.options.look);
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(_)) => next_look = next_look.min(Instant::now() + shared.options.gather),
                Some(Err(failure)) => return Err(failure),
                None => return Err(Failure::new(ErrorCode::EngineDisconnected, "The engine ended its event stream.")),
            },
            () = sleep_until(next_ask) => {
                ask(shared, server, &engine).await?;
                next_ask = Instant::now() + shared.options.ask;
            }
            () = sleep_until(next_look) => {
                look(shared, server, &engine).await?;
                next_look = Instant::now() + jittered(shared.options.look);
            }
        }
    }
}

fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(rand::random_range(0.8..1.2))
}

/// Whether the engine lives, and who it is.
async fn ask(shared: &WatcherDeps, server: ServerId, engine: &Arc<dyn Engine>) -> Result<(), Failure> {
    let started = Instant::now();
    let info = timeout(shared.options.patience, engine.info())
        .await
        .map_err(|_| {
            Failure::new(
                ErrorCode::EngineTimeout,
                format!(
                    "The engine did not answer within {} s.",
                    shared.options.patience.as_secs()
                ),
            )
        })??;
    // An SSH host key that was met for the first time is the one from now on.
    if let Some(key) = engine.observed_host_key()
        && shared.deps.store.pin_host_key(server, &key).await?
    {
        tracing::info!(server, %key, "host key pinned at first use");
        shared.deps.announce(Event::ServerChanged(server));
    }
    metrics::histogram!("imagefleet_engine_answer_seconds").record(started.elapsed().as_secs_f64());
    if shared.deps.store.set_server_online(server, &info).await?.changed {
        tracing::info!(server, engine = %info.engine_version, api = %info.api_version, "server online");
        shared.deps.announce(Event::ServerChanged(server));
    }
    Ok(())
}

/// Brings the inventory in step; a few servers at once, the others wait their turn. An engine that falls silent gives
/// its turn to the next one: those that hang hold up nobody.
async fn look(shared: &WatcherDeps, server: ServerId, engine: &Arc<dyn Engine>) -> Result<(), Failure> {
    let Ok(turn) = shared.looks.acquire().await else {
        return Ok(());
    };
    let patience = shared.options.patience * 6;
    let sign = Notify::new();
    let report = |_| sign.notify_one();
    let mut looking = pin!(timeout(
        patience,
        sync::refresh(&shared.deps, server, engine.as_ref(), &report)
    ));
    let mut turn = Some(turn);
    let looked = loop {
        tokio::select! {
            looked = &mut looking => break looked,
            () = sign.notified() => {}
            () = tokio::time::sleep(shared.options.silence), if turn.is_some() => turn = None,
        }
    };
    match looked {
        Ok(changes) => changes.map(|_| ()),
        Err(_) => Err(Failure::new(
            ErrorCode::EngineTimeout,
            format!(
                "The engine did not list its images within {} s.",
                patience.as_secs()
            ),
        )),
    }
}
