use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use imagefleet_engine::{ImageConfig, ImageDetail};
use imagefleet_model::{Container, ErrorInfo, Image, ImageLayer, ImageRef};
use serde::Serialize;

/// One image in full: the row, what its engine tells at this moment, and who uses it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImageDetail)]
pub struct DetailView {
    /// The row.
    #[serde(flatten)]
    pub image: Image,
    /// What the engine tells; null when it cannot be asked.
    pub engine: Option<EngineView>,
    /// Why the engine could not be asked.
    pub engine_error: Option<ErrorInfo>,
    /// Containers on that server that use it.
    pub containers: Vec<Container>,
}

/// What an engine tells of an image.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImageOnEngine)]
pub struct EngineView {
    /// The engine's id.
    id: String,
    /// Every reference that it has there.
    repo_tags: Vec<String>,
    /// Every digest that it is known by there.
    repo_digests: Vec<String>,
    /// Bytes.
    size: u64,
    /// `linux/amd64`.
    platform: String,
    /// When it was built.
    created_at: Option<DateTime<Utc>>,
    /// Who built it.
    author: String,
    /// Diff ids of its layers, base first.
    diff_ids: Vec<String>,
    /// How it was made, newest line first.
    layers: Vec<ImageLayer>,
    /// What a container made from it runs with.
    config: ConfigView,
}

/// What a container inherits from an image.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImageConfig)]
pub struct ConfigView {
    /// `K=V` lines.
    env: Vec<String>,
    /// Default arguments.
    command: Vec<String>,
    /// What runs.
    entrypoint: Vec<String>,
    /// `80/tcp`, …
    exposed_ports: Vec<String>,
    /// Paths that want a volume.
    volumes: Vec<String>,
    /// Where it runs.
    working_dir: String,
    /// As whom it runs.
    user: String,
    /// Labels.
    labels: BTreeMap<String, String>,
    /// The health check's command line.
    healthcheck: Option<String>,
}

impl EngineView {
    /// Of these two answers.
    pub fn new(detail: ImageDetail, layers: Vec<ImageLayer>) -> Self {
        Self {
            id: detail.id,
            repo_tags: detail.repo_tags,
            repo_digests: detail.repo_digests,
            size: detail.size,
            platform: detail.platform,
            created_at: detail.created_at,
            author: detail.author,
            diff_ids: detail.diff_ids,
            layers,
            config: detail.config.into(),
        }
    }

    /// Leaves out the references whose repository the caller does not see: the same content may have them too.
    #[must_use]
    pub fn only(mut self, seen: impl Fn(&str) -> bool) -> Self {
        let seen = |name: &String| ImageRef::parse(name).is_ok_and(|name| seen(&name.repository()));
        self.repo_tags.retain(seen);
        self.repo_digests.retain(seen);
        self
    }
}

impl From<ImageConfig> for ConfigView {
    fn from(config: ImageConfig) -> Self {
        Self {
            env: config.env,
            command: config.command,
            entrypoint: config.entrypoint,
            exposed_ports: config.exposed_ports,
            volumes: config.volumes,
            working_dir: config.working_dir,
            user: config.user,
            labels: config.labels,
            healthcheck: config.healthcheck,
        }
    }
}
