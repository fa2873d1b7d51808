//! What machines ask of the program itself.

use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use imagefleet_model::{ErrorCode, WaitingCode};

use crate::{AppState, Problem};

/// The program is alive.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The program can serve: its database answers.
pub async fn readyz(State(state): State<AppState>) -> Result<&'static str, Problem> {
    state.store.ping().await?;
    Ok("ready\n")
}

/// Prometheus' text form.
pub async fn metrics(State(state): State<AppState>) -> Result<impl IntoResponse, Problem> {
    measure(&state).await?;
    let text = (state.metrics)();
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    ))
}

/// What is so at this moment. The queue and the servers are those of all programs on the database.
async fn measure(state: &AppState) -> Result<(), Problem> {
    let queue = state.store.queue_figures().await?;
    metrics::gauge!("imagefleet_steps_running").set(number(queue.running));
    for code in WaitingCode::ALL {
        let figure = queue.waiting.iter().find(|(waiting, ..)| waiting == code);
        let (steps, oldest) = figure.map_or((0, Duration::ZERO), |(_, steps, oldest)| (*steps, *oldest));
        metrics::gauge!("imagefleet_queue_steps", "waiting_for" => code.as_str()).set(number(steps));
        metrics::gauge!("imagefleet_queue_oldest_seconds", "waiting_for" => code.as_str())
            .set(oldest.as_secs_f64());
    }
    for (status, servers) in state.store.servers_by_status().await? {
        metrics::gauge!("imagefleet_servers", "status" => status.as_str()).set(number(servers));
    }
    metrics::gauge!("imagefleet_live_clients").set(number(state.live.clients() as u64));
    Ok(())
}

/// A gauge is a float; beyond 2^32 nobody counts.
fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A handler's panic, as a client meets it; the log has the rest.
pub fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = text, "a handler panicked");
    Problem::new(ErrorCode::Internal, "Something went wrong here.").into_response()
}
