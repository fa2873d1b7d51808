use std::fmt;

use imagefleet_model::{ErrorCode, Failure};
use serde::Deserialize;

use crate::Result;

/// A version of the Docker API, `1.41`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ApiVersion(u16, u16);

/// The newest that this client was written against.
const OURS: ApiVersion = ApiVersion(1, 51);
/// The oldest that it works with: Docker 20.10.
const OLDEST: ApiVersion = ApiVersion(1, 41);

impl ApiVersion {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().trim_start_matches('v').split_once('.')?;
        // Podman may write `1.41.0`.
        let minor = minor.split('.').next().unwrap_or_default();
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What one engine and this client speak with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spoken {
    pub version: ApiVersion,
    pub podman: bool,
}

/// `GET /version`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VersionAnswer {
    #[serde(default)]
    pub version: String,
    pub api_version: String,
    #[serde(rename = "MinAPIVersion", default)]
    pub min_api_version: String,
    #[serde(default)]
    pub os: String,
    #[serde(default)]
    pub arch: String,
    #[serde(default)]
    pub components: Vec<Component>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Component {
    #[serde(default)]
    pub name: String,
}

impl VersionAnswer {
    /// The highest version that both sides speak: `max(MinAPIVersion, min(ours, ApiVersion))`. No single one fits
    /// all engines: 20.10 ends at 1.41, and some of the 29 line begin at 1.44.
    pub fn negotiate(&self) -> Result<Spoken> {
        let theirs = ApiVersion::parse(&self.api_version).ok_or_else(|| {
            Failure::new(
                ErrorCode::NotAnEngine,
                "what answers there names no version of the Docker API",
            )
        })?;
        let least = ApiVersion::parse(&self.min_api_version).unwrap_or(OLDEST);
        if theirs < OLDEST {
            return Err(Failure::new(
                ErrorCode::ApiVersionUnsupported,
                format!("the engine speaks API {theirs}, and {OLDEST} is the oldest that works here"),
            ));
        }
        Ok(Spoken {
            version: least.max(OURS.min(theirs)),
            podman: self
                .components
                .iter()
                .any(|component| component.name.to_ascii_lowercase().contains("podman")),
        })
    }
}

#[cfg(test)]
mod tests {
    use imagefleet_model::ErrorCode;
    use rstest::rstest;

    use super::VersionAnswer;

    fn negotiated(api: &str, least: &str) -> Result<String, ErrorCode> {
        let text = serde_json::json!({"Version": "x", "ApiVersion": api, "MinAPIVersion": least}).to_string();
        let answer: VersionAnswer = serde_json::from_str(&text).expect("good");
        answer
            .negotiate()
            .map(|spoken| spoken.version.to_string())
            .map_err(|failure| failure.code)
    }

    #[rstest]
    #[case("1.41", "1.12", "1.41")]
    #[case("1.51", "1.24", "1.51")]
    #[case("1.52", "1.44", "1.51")]
    #[case("1.60", "1.55", "1.55")]
    #[case("1.44", "", "1.44")]
    #[case("1.41.0", "1.24", "1.41")]
    fn finds_common_ground(#[case] api: &str, #[case] least: &str, #[case] spoken: &str) {
        assert_eq!(negotiated(api, least), Ok(spoken.to_owned()));
    }

    #[test]
    fn refuses_what_is_too_old_or_no_engine() {
        assert_eq!(negotiated("1.40", "1.12"), Err(ErrorCode::ApiVersionUnsupported));
        assert_eq!(negotiated("", ""), Err(ErrorCode::NotAnEngine));
        assert_eq!(negotiated("two", "x"), Err(ErrorCode::NotAnEngine));
    }
}
