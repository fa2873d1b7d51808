//! What machines ask of the program itself.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use imagefleet_model::ErrorCode;

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
pub async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let text = (state.metrics)();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
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
