use serde::{Deserialize, Deserializer};

/// For fields of a partial change (RFC 7396): left out is `None`, `null` is `Some(None)`. Use with `#[serde(default)]`.
pub fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}
