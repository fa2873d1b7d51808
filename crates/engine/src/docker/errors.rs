//! The engine's own words, read for what they mean: which code, and whether trying again may help.

use std::time::Duration;

use hyper::StatusCode;
use imagefleet_model::{ErrorCode, Failure};
use serde::Deserialize;

use super::error_rules::{COMMON, CONTAINER, IMAGE, LOAD, REGISTRY, Rule};
use super::redact::redact;

/// What was asked about: the same status and the same words mean different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Engine,
    Image,
    /// Pull and push: the engine speaks of a registry.
    Registry,
    Load,
    Container,
}

impl Topic {
    fn rules(self) -> [&'static [Rule]; 3] {
        match self {
            Self::Engine => [COMMON, &[], &[]],
            Self::Image => [COMMON, IMAGE, &[]],
            Self::Registry => [COMMON, REGISTRY, &[]],
            Self::Load => [COMMON, LOAD, &[]],
            Self::Container => [COMMON, CONTAINER, IMAGE],
        }
    }

    /// What a status means where the words say nothing that we know.
    fn by_status(self, status: StatusCode) -> (ErrorCode, bool) {
        match (status.as_u16(), self) {
            (404, Self::Image) => (ErrorCode::ImageNotFound, false),
            (404, Self::Registry) => (ErrorCode::ManifestUnknown, false),
            (404, Self::Container) => (ErrorCode::ContainerNotFound, false),
            (404 | 405 | 501, _) => (ErrorCode::Unsupported, false),
            (401 | 403, Self::Registry) => (ErrorCode::RegistryDenied, false),
            (409, _) => (ErrorCode::Conflict, false),
            (429, Self::Registry) => (ErrorCode::RateLimited, true),
            (429, _) => (ErrorCode::EngineError, true),
            (400, Self::Load) => (ErrorCode::NotAnArchive, false),
            (400, _) => (ErrorCode::InvalidInput, false),
            // Starting and loading fail with 500 for reasons that stay.
            (500, Self::Container | Self::Load) => (ErrorCode::EngineError, false),
            (code, _) => (ErrorCode::EngineError, code >= 500),
        }
    }
}

/// Docker's error body, and Podman's (which has `cause` too).
#[derive(Deserialize)]
struct ErrorBody {
    message: Option<String>,
    cause: Option<String>,
}

/// The failure behind an answer that is no success.
pub(super) fn refused(
    topic: Topic,
    status: StatusCode,
    retry_after: Option<Duration>,
    body: &[u8],
) -> Failure {
    let text = words(body).unwrap_or_else(|| format!("the engine answers {status}"));
    let (code, passing) = classify(topic, &text).unwrap_or_else(|| topic.by_status(status));
    let wait = retry_after.or_else(|| told_wait(&text)).unwrap_or_default();
    Failure {
        code,
        message: redact(&text),
        retry_after: (passing || retry_after.is_some()).then_some(wait),
    }
}

/// The failure behind an error that the engine reports in the middle of a stream.
pub(super) fn reported(topic: Topic, text: &str) -> Failure {
    let (code, passing) = classify(topic, text).unwrap_or((ErrorCode::EngineError, false));
    Failure {
        code,
        message: redact(text),
        retry_after: passing.then(|| told_wait(text).unwrap_or_default()),
    }
}

fn words(body: &[u8]) -> Option<String> {
    let parsed: Option<ErrorBody> = serde_json::from_slice(body).ok();
    let text = match parsed {
        Some(ErrorBody {
            message: Some(message),
            cause,
        }) => match cause {
            Some(cause) if !message.contains(&cause) => format!("{message}: {cause}"),
            _ => message,
        },
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn classify(topic: Topic, text: &str) -> Option<(ErrorCode, bool)> {
    let lower = text.to_lowercase();
    topic
        .rules()
        .into_iter()
        .flatten()
        .find(|rule| rule.fits(&lower))
        .map(|rule| (rule.code, rule.passing))
}

/// `retry-after: 12s`, as some registries write into their words.
fn told_wait(text: &str) -> Option<Duration> {
    let lower = text.to_ascii_lowercase();
    let after = lower.split_once("retry-after:")?.1.trim_start();
    let digits = after
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(after.len());
    let value: f64 = after[..digits].parse().ok()?;
    let unit = after[digits..]
        .split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default();
    let seconds = match unit {
        "" | "s" => value,
        "ms" => value / 1e3,
        "µs" | "us" => value / 1e6,
        "m" => value * 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds.min(3_600.0)).ok()
}

#[cfg(test)]
mod tests;
