use std::time::Duration;

use futures_util::StreamExt as _;
use imagefleet_engine::{ContainerDetail, Engine, LogOptions};
use imagefleet_model::{ErrorCode, Failure, Timestamp};
use tokio::time::{Instant, sleep, timeout};

/// A container that is up for so long has started.
const LONG_ENOUGH: Duration = Duration::from_millis(1_500);
/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// Of the log of one that ended, people see the last lines and not more than fits into a message.
const LINES: u64 = 20;
const BYTES: usize = 4 * 1024;
/// An engine that does not tell how it ended by then does not hold up the answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a container ended that had just been started.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code, when it is there to tell.
    pub exit_code: Option<i64>,
    /// It did what it had to do, with exit code 0, and is not started again.
    pub well: bool,
    /// The last lines of its log.
    pub log: Vec<String>,
    /// All of that for people.
    pub sentence: String,
}

/// Watches a container that was just started; how it ended, if it did. One that removes itself was created at that moment, by the
/// engine's clock.
pub async fn stays_up(
    engine: &dyn Engine,
    id: &str,
    auto_remove: Option<Timestamp>,
) -> Result<Option<Ended>, Failure> {
    let until = Instant::now() + LONG_ENOUGH;
    loop {
        match engine.container(id).await {
            Ok(detail) if has_ended(&detail) => {
                return Ok(Some(ended(engine, id, &detail, auto_remove.is_some()).await));
            }
            Ok(_) => {}
            Err(failure) => match auto_remove {
                Some(created) if failure.code == ErrorCode::ContainerNotFound => {
                    return Ok(Some(gone(engine, id, created).await));
                }
                _ => return Err(failure),
            },
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        sleep(EVERY).await;
    }
}

/// One that the engine starts again and again has ended too.
fn has_ended(detail: &ContainerDetail) -> bool {
    detail.restart_count > 0
        || matches!(
            detail.summary.state.as_str(),
            "exited" | "dead" | "stopped" | "restarting" | "removing"
        )
}

/// What the engine tells by then of a container that ended, or nothing.
async fn in_time<T: Default>(told: impl Future<Output = Result<T, Failure>>) -> T {
    match timeout(PATIENCE, told).await {
        Ok(Ok(told)) => told,
        Ok(Err(failure)) => {
            tracing::debug!(%failure, "how a container ended could not be read in full");
            T::default()
        }
        Err(_) => T::default(),
    }
}

/// The engine still tells with what it ended, but no longer what it wrote.
async fn gone(engine: &dyn Engine, id: &str, created: Timestamp) -> Ended {
    let exit_code = in_time(exit_code(engine, id, created)).await;
    Ended {
        exit_code,
        well: exit_code == Some(0),
        log: Vec::new(),
        sentence: format!(
            "The container ended right after its start{} and was removed, as asked (auto-remove): its log went with it.",
            with(exit_code)
        ),
    }
}

async fn exit_code(engine: &dyn Engine, id: &str, since: Timestamp) -> Result<Option<i64>, Failure> {
    let mut events = engine.events(Some(since)).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        if event.id == id && event.exit_code.is_some() {
            return Ok(event.exit_code);
        }
    }
    Ok(None)
}

fn with(exit_code: Option<i64>) -> String {
    exit_code.map_or_else(String::new, |code| format!(" with exit code {code}"))
}

async fn ended(engine: &dyn Engine, id: &str, detail: &ContainerDetail, auto_remove: bool) -> Ended {
    let log = in_time(last_lines(engine, id)).await;
    let how = with(detail.exit_code);
    let why = if detail.error.is_empty() {
        String::new()
    } else {
        format!(" ({})", detail.error)
    };
    let said = if log.is_empty() && auto_remove {
        // The engine may have been faster than we were.
        "its log went with it, as asked (auto-remove).".to_owned()
    } else if log.is_empty() {
        "it wrote nothing to its log.".to_owned()
    } else {
        format!("its last log lines:\n{}", log.join("\n"))
    };
    Ended {
        exit_code: detail.exit_code,
        well: detail.exit_code == Some(0)
            && detail.error.is_empty()
            && detail.restart_count == 0
            && detail.summary.state != "restarting",
        sentence: format!(
            "The container {} ended right after its start{how}{why}; {said}",
            detail.summary.name
        ),
        log,
    }
}

async fn last_lines(engine: &dyn Engine, id: &str) -> Result<Vec<String>, Failure> {
    let options = LogOptions {
        tail: Some(LINES),
        ..LogOptions::default()
    };
    let mut chunks = engine.logs(id, options).await?;
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?.bytes);
        if bytes.len() > 2 * BYTES {
            bytes.drain(..bytes.len() - BYTES);
        }
    }
    let start = bytes.len().saturating_sub(BYTES);
    let text = String::from_utf8_lossy(&bytes[start..]);
    Ok(text
        .lines()
        .map(|line| line.trim_end().to_owned())
        .filter(|line| !line.is_empty())
        .collect())
}
