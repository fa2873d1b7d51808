use std::error::Error as _;
use std::time::Duration;

use imagefleet_model::{ErrorCode, Failure};
use reqwest::StatusCode;

use super::RegistryClient;

/// How much of a registry's own words is worth telling.
const WORDS: usize = 300;

impl RegistryClient {
    /// Why a request did not come to an answer: the name, the way, TLS, or what came is no answer.
    pub(super) fn no_answer(&self, error: reqwest::Error) -> Failure {
        let place = self.place();
        let timed_out = error.is_timeout();
        let garbled = error.is_decode() || error.is_body();
        let error = error.without_url();
        let mut cause = error.source();
        let mut innermost = error.to_string();
        while let Some(inner) = cause {
            if let Some(tls) = tls_of(inner) {
                let words = match tls {
                    rustls::Error::InvalidMessage(_) => "the other side speaks no TLS".to_owned(),
                    other => other.to_string(),
                };
                return Failure::new(ErrorCode::RegistryTlsFailed, format!("{place}: {words}."));
            }
            innermost = inner.to_string();
            if innermost.contains("dns error") {
                return Failure::passing(
                    ErrorCode::RegistryNameUnresolved,
                    format!("{place}: the name does not resolve."),
                    Duration::ZERO,
                );
            }
            cause = inner.source();
        }
        if timed_out {
            return Failure::passing(
                ErrorCode::RegistryUnreachable,
                format!("{place}: no answer in time."),
                Duration::ZERO,
            );
        }
        if garbled {
            return self.no_registry(&innermost);
        }
        Failure::passing(
            ErrorCode::RegistryUnreachable,
            format!("{place}: {innermost}."),
            Duration::ZERO,
        )
    }

    /// What answers is something else.
    pub(super) fn no_registry(&self, words: &str) -> Failure {
        Failure::new(
            ErrorCode::NotARegistry,
            format!("{}: what answers is no registry ({words}).", self.place()),
        )
    }

    /// Why the registry did not give what was asked for, in its own words where it has any.
    pub(super) fn refused(&self, status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Failure {
        let words = words_of(body).unwrap_or_else(|| format!("it answered {status}"));
        let message = format!("{}: {words}.", self.place());
        match status {
            StatusCode::UNAUTHORIZED if self.username.is_some() => {
                Failure::new(ErrorCode::BadCredentials, message)
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Failure::new(ErrorCode::RegistryDenied, message)
            }
            StatusCode::NOT_FOUND => Failure::new(ErrorCode::ManifestUnknown, message),
            StatusCode::TOO_MANY_REQUESTS => Failure::passing(
                ErrorCode::RateLimited,
                message,
                retry_after.unwrap_or(Duration::from_mins(1)),
            ),
            status if status.is_server_error() => {
                Failure::passing(ErrorCode::RegistryUnreachable, message, Duration::ZERO)
            }
            _ => Failure::new(ErrorCode::NotARegistry, message),
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.host
    }
}

/// The TLS error inside an I/O error, however deep it is packed.
fn tls_of<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    tls_of(inner)
}

/// `errors[0].message` of an answer (OCI distribution specification, "Error Codes"), or Harbor's and Hub's like.
fn words_of(body: &[u8]) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let first = &json["errors"][0];
    let words = first["message"]
        .as_str()
        .filter(|words| !words.is_empty())
        .or_else(|| first["code"].as_str())
        .or_else(|| json["message"].as_str())
        .or_else(|| json["details"].as_str())?;
    let shown: String = words.chars().filter(|c| !c.is_control()).take(WORDS).collect();
    Some(shown.trim_end_matches('.').to_owned())
}
