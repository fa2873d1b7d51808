//! Reading what engines write: lists that are `null`, times that are empty, numbers that are −1.

use imagefleet_model::Timestamp;
use serde::{Deserialize, Deserializer};

/// `null` is the same as nothing.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The names of an object whose values are empty objects: `{"80/tcp": {}}`.
pub(super) fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let object = Option::<serde_json::Map<String, serde_json::Value>>::deserialize(deserializer)?;
    Ok(object
        .unwrap_or_default()
        .into_iter()
        .map(|(name, _)| name)
        .collect())
}

/// Seconds since 1970.
pub(super) fn from_seconds(seconds: i64) -> Option<Timestamp> {
    (seconds > 0)
        .then(|| Timestamp::from_timestamp(seconds, 0))
        .flatten()
}

/// RFC 3339; Go's zero time and an empty text mean that there is none.
pub(super) fn from_text(text: &str) -> Option<Timestamp> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (time.timestamp() > 0).then_some(time)
}

/// Sizes and counts that engines give as signed numbers.
pub(super) fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Tags and digests without those that stand for "none".
pub(super) fn named(names: Vec<String>) -> Vec<String> {
    names
        .into_iter()
        .filter(|name| !name.contains("<none>"))
        .collect()
}

/// `os/arch[/variant]`, in the words that images use.
pub(super) fn platform(os: &str, architecture: &str, variant: &str) -> String {
    // A manifest without a platform of its own has none to tell.
    if os.is_empty() && architecture.is_empty() {
        return String::new();
    }
    let text = if variant.is_empty() {
        format!("{os}/{architecture}")
    } else {
        format!("{os}/{architecture}/{variant}")
    };
    imagefleet_model::Platform::parse(&text).map_or(text, |platform| platform.to_string())
}
