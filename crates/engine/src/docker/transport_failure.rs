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

/// It went on talking, and nothing moved for that long.
pub(super) fn stalled(limit: Duration) -> Failure {
    passing(
        ErrorCode::TransferStalled,
        &format!("nothing has moved for {} s", limit.as_secs_f32()),
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
        if let Some(http) = inner.downcast_ref::<hyper::Error>()
            && (http.is_parse() || http.is_parse_status())
        {
            return Some(Failure::new(
                ErrorCode::NotAnEngine,
                "what answers there speaks no HTTP",
            ));
        }
        // What we sent along could not be read any further: that is no fault of the engine.
        let own = inner
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_user);
        if let Some(io) = inner
            .source()
            .filter(|_| own)
            .and_then(|source| source.downcast_ref::<std::io::Error>())
        {
            return Some(found_in(io).unwrap_or_else(|| unreadable(io)));
        }
        if let Some(failure) = inner.downcast_ref::<std::io::Error>().and_then(found_in) {
            return Some(failure);
        }
        next = inner.source();
    }
    None
}

fn found_in(io: &std::io::Error) -> Option<Failure> {
    io.get_ref().and_then(|custom| found(custom))
}

/// The body of a request broke off at its source.
fn unreadable(io: &std::io::Error) -> Failure {
    let code = if io.kind() == std::io::ErrorKind::UnexpectedEof {
        ErrorCode::ArchiveTruncated
    } else {
        ErrorCode::Internal
    };
    Failure::new(code, format!("what was to be sent could not be read: {io}"))
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
