//! What it means when no answer came, or only half of one.

use std::error::Error;
use std::time::Duration;

use hyper_util::client::legacy;
use imagefleet_model::{ErrorCode, Failure};

use super::redact::redact;

/// A request that was not answered.
pub(super) fn not_sent(error: &legacy::Error) -> Failure {
    if let Some(failure) = found(error) {
        return failure;
    }
    if error.is_connect() {
        return passing(ErrorCode::EngineUnreachable, &root(error));
    }
    passing(
        ErrorCode::EngineDisconnected,
        &format!(
            "the engine closed the connection without an answer: {}",
            root(error)
        ),
    )
}

/// An answer that ended too early.
pub(super) fn lost_body(error: &hyper::Error) -> Failure {
    found(error).unwrap_or_else(|| {
        passing(
            ErrorCode::EngineDisconnected,
            &format!("the engine closed the connection in the middle: {}", root(error)),
        )
    })
}

/// Nothing came for that long.
pub(super) fn timed_out(limit: Duration) -> Failure {
    passing(
        ErrorCode::EngineTimeout,
        &format!("no answer within {} s", limit.as_secs_f32()),
    )
}

/// The part of the error's chain that says more than "something broke".
fn found(error: &(dyn Error + 'static)) -> Option<Failure> {
    let mut next = Some(error);
    while let Some(inner) = next {
        if let Some(failure) = inner.downcast_ref::<Failure>() {
            return Some(failure.clone());
        }
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(Failure::new(ErrorCode::TlsFailed, tls.to_string()));
        }
        if let Some(http) = inner.downcast_ref::<hyper::Error>() {
            if http.is_parse() || http.is_parse_status() {
                return Some(Failure::new(
                    ErrorCode::NotAnEngine,
                    "what answers there speaks no HTTP",
                ));
            }
        }
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            if let Some(failure) = io.get_ref().and_then(|custom| found(custom)) {
                return Some(failure);
            }
        }
        next = inner.source();
    }
    None
}

fn root(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        words = inner.to_string();
        next = inner.source();
    }
    redact(&words)
}

fn passing(code: ErrorCode, words: &str) -> Failure {
    Failure::passing(code, words, Duration::ZERO)
}
