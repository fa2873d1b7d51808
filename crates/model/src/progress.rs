use serde::{Deserialize, Serialize};

/// How far a step is. A latest value, not a log: a reader that misses one loses nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// 0–100; what is sent out never falls back.
    pub percent: u8,
    /// What is being done, for people.
    pub message: String,
    /// Bytes moved so far; 0 where bytes mean nothing.
    pub bytes_done: u64,
    /// Bytes in all, as far as known now; it may grow while layers announce themselves.
    pub bytes_total: Option<u64>,
    /// Over the last seconds.
    pub bytes_per_second: Option<u64>,
    /// The layers of a pull or push, in the order in which they appeared.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub layers: Vec<LayerProgress>,
}

/// One layer of a pull or push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LayerProgress {
    /// Short id, as the engine prints it.
    pub id: String,
    /// `waiting`, `downloading`, `verifying`, `extracting`, `pushing`, `done`, `exists`.
    pub status: String,
    /// Bytes of the present phase.
    pub bytes_done: u64,
    /// Bytes of the present phase in all, when told.
    pub bytes_total: Option<u64>,
}
