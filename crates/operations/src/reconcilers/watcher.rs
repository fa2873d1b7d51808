use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use imagefleet_engine::Engine;
use imagefleet_model::{ErrorCode, Failure, ServerId};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::watch::WatcherDeps;
use crate::Change;
use crate::kinds::sync;

/// A look that fails is tried again so often before the server counts as offline.
const LOOKS: u32 = 3;

/// Watches one server until it is dropped: online, offline with growing patience, and online again.
pub async fn watch(shared: WatcherDeps, server: ServerId) {
    let mut failures = 0u32;
    loop {
        let Err(failure) = follow(&shared, server, &mut failures).await;
        if is_ours(&failure) {
            tracing::warn!(
                server,
                code = failure.code.as_str(),
                "the server could not be watched"
            );
        } else {
            match shared.deps.store.set_server_offline(server, &failure).await {
                Ok(change) if change.changed => {
                    tracing::warn!(server, code = failure.code.as_str(), reason = %failure.message, "server offline");
                    shared.deps.changed(Change::Server(server));
                }
                Ok(_) => {}
                Err(error) => tracing::error!(%error, server, "the server's state could not be stored"),
            }
        }
        sleep(wait(&shared, failures)).await;
        failures = failures.saturating_add(1);
    }
}

/// Failures of this program or its database say nothing about the server.
fn is_ours(failure: &Failure) -> bool {
    matches!(failure.code, ErrorCode::DatabaseUnavailable | ErrorCode::Internal)
}

/// Doubled each time, with a share of chance: a hundred servers that went together do not come back together.
fn wait(shared: &WatcherDeps, failures: u32) -> Duration {
    let wait = shared
        .options
        .backoff
        .saturating_mul(2u32.saturating_pow(failures.min(16)));
    jittered(wait.min(shared.options.longest_backoff))
}

fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(rand::random_range(0.75..1.25))
}

/// When the next look is due.
struct Due {
    at: Instant,
    /// When the first of the events came that are not looked at yet.
    since: Option<Instant>,
    failed: u32,
}

impl Due {
    fn net(shared: &WatcherDeps) -> Self {
        Self {
            at: Instant::now() + jittered(shared.options.look),
            since: None,
            failed: 0,
        }
    }

    /// Something happened: looks as soon as it is quiet, but not later than a burst is waited for.
    fn event(&mut self, shared: &WatcherDeps) {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        let latest = since + shared.options.longest_gather;
        self.at = (now + shared.options.gather).min(latest);
    }
}

/// Follows the server's events; ends only by a failure.
async fn follow(shared: &WatcherDeps, server: ServerId, failures: &mut u32) -> Result<Infallible, Failure> {
    let engine = shared.deps.engines.engine(server).await?;
    ask(shared, server, &engine).await?;
    let began = shared.deps.store.clock().now();
    // First listen, then look: what happens in between is not missed.
    let mut events = answer(shared, engine.events(Some(began))).await?;
    look(shared, server, &engine).await?;
    *failures = 0;
    let mut next_ask = Instant::now() + shared.options.ask;
    let mut due = Due::net(shared);
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(_)) => due.event(shared),
                Some(Err(failure)) => return Err(failure),
                None => return Err(Failure::new(ErrorCode::EngineDisconnected, "The engine ended its event stream.")),
            },
            () = sleep_until(next_ask) => {
                check(shared, server, &engine).await?;
                next_ask = Instant::now() + shared.options.ask;
            }
            () = sleep_until(due.at) => match look(shared, server, &engine).await {
                Ok(()) => due = Due::net(shared),
                Err(failure) if due.failed + 1 < LOOKS => {
                    tracing::debug!(server, %failure, "a look failed");
                    due = Due {
                        at: Instant::now() + wait(shared, due.failed) / 2,
                        since: None,
                        failed: due.failed + 1,
                    };
                }
                Err(failure) => return Err(failure),
            },
        }
    }
}

/// What an engine answers before patience ends.
async fn answer<T>(
    shared: &WatcherDeps,
    asked: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let patience = shared.options.patience;
    timeout(patience, asked).await.unwrap_or_else(|_| {
        Err(Failure::new(
            ErrorCode::EngineTimeout,
            format!("The engine did not answer within {} s.", patience.as_secs()),
        ))
    })
}

/// Whether the engine still lives. Another engine is met after the event stream has ended.
async fn check(shared: &WatcherDeps, server: ServerId, engine: &Arc<dyn Engine>) -> Result<(), Failure> {
    answer(shared, engine.ping()).await?;
    if shared.deps.store.server_lives(server).await? {
        return Ok(());
    }
    ask(shared, server, engine).await
}

/// Whether the engine lives, and who it is.
async fn ask(shared: &WatcherDeps, server: ServerId, engine: &Arc<dyn Engine>) -> Result<(), Failure> {
    let info = answer(shared, engine.info()).await?;
    // An SSH host key that was met for the first time is the one from now on.
    if let Some(key) = engine.observed_host_key()
        && shared.deps.store.pin_host_key(server, &key).await?
    {
        tracing::info!(server, %key, "host key pinned at first use");
        shared.deps.changed(Change::Server(server));
    }
    if let Some(key) = engine.observed_jump_key()
        && shared.deps.store.pin_jump_key(server, &key).await?
    {
        tracing::info!(server, %key, "host key of the machine before the server pinned at first use");
        shared.deps.changed(Change::Server(server));
    }
    if shared.deps.store.set_server_online(server, &info).await?.changed {
        tracing::info!(server, engine = %info.engine_version, api = %info.api_version, "server online");
        shared.deps.changed(Change::Server(server));
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
                (shared.options.patience * 6).as_secs()
            ),
        )),
    }
}
