use std::collections::BTreeMap;

use bytes::Bytes;
use imagefleet_model::{ContainerPort, LayerProgress, RegistryAuth, Timestamp};

/// What to pull.
#[derive(Debug, Clone)]
pub struct PullRequest {
    /// A reference with tag or digest.
    pub reference: String,
    /// `os/arch[/variant]`; the engine's own when `None`.
    pub platform: Option<String>,
    /// Sent along with this one request.
    pub auth: Option<RegistryAuth>,
}

/// Where a pull, push or load is, after one more message of the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransferUpdate {
    /// The engine's latest line, such as `Pulling from library/nginx`.
    pub message: String,
    /// All layers so far, in order of appearance.
    pub layers: Vec<LayerProgress>,
    /// Bytes moved over all layers; grows only.
    pub bytes_done: u64,
    /// Bytes in all, as far as announced.
    pub bytes_total: Option<u64>,
    /// The digest, once the engine tells it.
    pub digest: Option<String>,
    /// References or ids that a load reported so far (`Loaded image: …`).
    pub loaded: Vec<String>,
    /// [`percent`](crate::percent) of this update and all before it: 0–99, and it never falls back.
    pub percent: u8,
}

/// One image in full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageDetail {
    /// The engine's id.
    pub id: String,
    /// Every reference.
    pub repo_tags: Vec<String>,
    /// `repository@sha256:…`.
    pub repo_digests: Vec<String>,
    /// Bytes.
    pub size: u64,
    /// `linux/amd64`.
    pub platform: String,
    /// When it was built.
    pub created_at: Option<Timestamp>,
    /// Who built it.
    pub author: String,
    /// Diff ids of its layers (`sha256:…`), base first (OCI image configuration, `rootfs.diff_ids`).
    pub diff_ids: Vec<String>,
    /// What a container made from it runs with.
    pub config: ImageConfig,
    /// How its content is stored. Only a containerd store tells, from API 1.48 on.
    pub content: Option<StoredContent>,
}

/// The content of an image in a containerd store, for the engine's platform (`Manifests` of an inspection).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredContent {
    /// Whether every blob is there.
    pub complete: bool,
    /// Bytes of its blobs as they are stored.
    pub stored: u64,
    /// Bytes of what they were unpacked to.
    pub unpacked: u64,
}

/// The part of an image's configuration that a container inherits (OCI image configuration, `config`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// `K=V` lines, as written.
    pub env: Vec<String>,
    /// Default arguments.
    pub command: Vec<String>,
    /// What runs.
    pub entrypoint: Vec<String>,
    /// `80/tcp`, …
    pub exposed_ports: Vec<String>,
    /// Paths that want a volume.
    pub volumes: Vec<String>,
    /// Where it runs.
    pub working_dir: String,
    /// As whom it runs.
    pub user: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The health check's command line, for people.
    pub healthcheck: Option<String>,
}

/// One line of `DELETE /images/{name}`'s answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A reference was removed.
    Untagged(String),
    /// Content was removed.
    Deleted(String),
}

/// A container as the engine lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineContainer {
    /// The engine's id.
    pub id: String,
    /// Without the leading slash.
    pub name: String,
    /// The reference it was created from, or an id.
    pub image: String,
    /// The engine's id of its image.
    pub image_id: String,
    /// `running`, `exited`, …
    pub state: String,
    /// "Up 3 minutes".
    pub status: String,
    /// Published and exposed ports.
    pub ports: Vec<ContainerPort>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}

/// A container in full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerDetail {
    /// What the list says too.
    pub summary: EngineContainer,
    /// `K=V` lines.
    pub env: Vec<String>,
    /// Arguments.
    pub command: Vec<String>,
    /// What runs.
    pub entrypoint: Vec<String>,
    /// Host name.
    pub hostname: String,
    /// Where it runs.
    pub working_dir: String,
    /// As whom.
    pub user: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Mounts.
    pub mounts: Vec<ContainerMount>,
    /// Networks it is in.
    pub networks: Vec<ContainerNetwork>,
    /// `bridge`, `host`, …
    pub network_mode: String,
    /// `no`, `always`, …
    pub restart_policy: String,
    /// How often the engine restarted it.
    pub restart_count: u64,
    /// `healthy`, `unhealthy`, `starting`, when it has a check.
    pub health: Option<String>,
    /// Exit code of its last run.
    pub exit_code: Option<i64>,
    /// The engine's word on why it did not start.
    pub error: String,
    /// Last start.
    pub started_at: Option<Timestamp>,
    /// Last end.
    pub finished_at: Option<Timestamp>,
    /// All rights.
    pub privileged: bool,
    /// Removed when it ends.
    pub auto_remove: bool,
    /// Whether it has a terminal: its log is one raw stream then.
    pub tty: bool,
    /// Memory limit in bytes, 0 for none.
    pub memory_bytes: i64,
    /// CPU limit in billionths, 0 for none.
    pub nano_cpus: i64,
}

/// A mount of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerMount {
    /// `bind`, `volume`, `tmpfs`.
    pub kind: String,
    /// Path or volume name.
    pub source: String,
    /// Path inside.
    pub target: String,
    /// Whether the container may not write.
    pub read_only: bool,
}

/// A network of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerNetwork {
    /// Its name.
    pub name: String,
    /// The container's address in it.
    pub address: String,
}

/// What came of creating a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreatedContainer {
    /// The engine's id.
    pub id: String,
    /// What the engine warned of.
    pub warnings: Vec<String>,
}

/// Which part of a log.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// Go on as it grows.
    pub follow: bool,
    /// The last so many lines; all when `None`.
    pub tail: Option<u64>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Put a time before each line.
    pub timestamps: bool,
}

/// Where a line was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output (or a terminal).
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    /// Which stream.
    pub stream: LogStream,
    /// Its bytes; not necessarily whole lines.
    pub bytes: Bytes,
}

/// One measurement of a container.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerStats {
    /// When.
    pub at: Option<Timestamp>,
    /// Percent of one processor; 250.0 is two and a half.
    pub cpu_percent: f64,
    /// Bytes used, page cache left out.
    pub memory_bytes: u64,
    /// Limit in bytes.
    pub memory_limit: u64,
    /// Bytes received over all networks.
    pub network_rx: u64,
    /// Bytes sent over all networks.
    pub network_tx: u64,
    /// Processes.
    pub pids: u64,
}

/// A network of an engine.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineNetwork {
    /// Its name.
    pub name: String,
    /// `bridge`, `host`, `null`, `overlay`, …
    pub driver: String,
    /// `local`, `swarm`.
    pub scope: String,
}

/// Something that happened on an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineEvent {
    /// `image` or `container`.
    pub kind: String,
    /// `pull`, `tag`, `untag`, `delete`, `load`, `import`, `create`, `start`, `die`, `destroy`, …
    pub action: String,
    /// Id or reference of what it happened to.
    pub id: String,
    /// When.
    pub at: Option<Timestamp>,
    /// With what a container ended, in its `die`.
    pub exit_code: Option<i64>,
}
