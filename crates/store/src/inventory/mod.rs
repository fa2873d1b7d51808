//! Which server holds what: written as differences between what an engine tells and what is stored.

mod apply;
mod changes;
mod contents;
mod counts;
mod rows;
#[cfg(test)]
pub(crate) mod tests;
mod translate;

use imagefleet_model::{ContainerPort, Timestamp};

use crate::ContainerChange;

pub(crate) use changes::{REMEMBERED, latest_change, next_change};
pub use contents::{ImageContent, content_fingerprint};
pub(crate) use counts::{COLUMNS, Counting, IN_USE, count_index, take_turn};
pub(crate) use rows::{ReferenceName, reference_id};
pub use translate::{UNKNOWN_REPOSITORY, container_name, seen_images};

/// One look at an engine.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// When the engine was asked. Rows that changed later are left alone: they know better than this look.
    pub asked_at: Timestamp,
    /// Every image, from [`seen_images`].
    pub images: Vec<SeenImage>,
    /// Every container, running or not.
    pub containers: Vec<SeenContainer>,
}

/// One reference (or one untagged id) that an engine holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenImage {
    /// The engine's id of its content.
    pub engine_id: String,
    /// The familiar form, or the engine id when untagged.
    pub full_name: String,
    /// Familiar repository, [`UNKNOWN_REPOSITORY`] when untagged and unknown.
    pub repository: String,
    /// None when untagged.
    pub tag: Option<String>,
    /// The repository digest that belongs to this repository.
    pub digest: Option<String>,
    /// Bytes.
    pub size: u64,
    /// When it was built.
    pub created_at: Option<Timestamp>,
    /// `linux/amd64`, when the list tells it.
    pub platform: Option<String>,
}

/// One container that an engine holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenContainer {
    /// The engine's id.
    pub engine_id: String,
    /// Without the leading slash.
    pub name: String,
    /// What it was created from, as the engine tells it.
    pub image: String,
    /// The engine's id of its image.
    pub image_engine_id: String,
    /// `running`, `exited`, …
    pub state: String,
    /// "Up 3 minutes".
    pub status: String,
    /// Published and exposed ports.
    pub ports: Vec<ContainerPort>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}

/// What a look at an engine changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changes {
    /// Images that are new.
    pub added: u64,
    /// Images whose content, size or use changed.
    pub updated: u64,
    /// Images that are gone.
    pub removed: u64,
    /// Images that the server holds now.
    pub total: u64,
    /// Containers that are new, changed or gone.
    pub containers_changed: u64,
    /// Those among them that are in another state.
    #[serde(skip)]
    pub container_states: Vec<ContainerChange>,
}

impl Changes {
    /// Whether anything changed: what is worth an event.
    #[must_use]
    pub fn any(&self) -> bool {
        self.added + self.updated + self.removed + self.containers_changed > 0
    }
}
