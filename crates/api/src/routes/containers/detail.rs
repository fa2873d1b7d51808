use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use imagefleet_engine::{ContainerDetail, ContainerMount, ContainerNetwork};
use imagefleet_model::{Container, ErrorInfo};
use serde::Serialize;

use super::secrets::{mask_env, mask_words};

/// One container in full: the row, and what its engine tells at this moment.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContainerDetail)]
pub struct DetailView {
    /// The row; state and ports as the engine tells them now.
    #[serde(flatten)]
    pub container: Container,
    /// What the engine tells; empty when it cannot be asked.
    #[serde(flatten)]
    pub facts: Facts,
    /// Why the engine could not be asked.
    pub engine_error: Option<ErrorInfo>,
}

/// What an engine tells of a container.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContainerFacts)]
pub struct Facts {
    /// `K=V` lines; values that look like secrets are hidden unless `reveal` asks for them.
    env: Vec<String>,
    /// Names of variables whose value is hidden.
    masked_env: Vec<String>,
    /// Arguments.
    command: Vec<String>,
    /// What runs.
    entrypoint: Vec<String>,
    /// Host name.
    hostname: String,
    /// Where it runs.
    working_dir: String,
    /// As whom.
    user: String,
    /// Labels.
    labels: BTreeMap<String, String>,
    /// Mounts.
    mounts: Vec<MountView>,
    /// Networks that it is in.
    networks: Vec<JoinedView>,
    /// `bridge`, `host`, …
    network_mode: String,
    /// `no`, `always`, …
    restart_policy: String,
    /// How often the engine restarted it.
    restart_count: u64,
    /// `healthy`, `unhealthy`, `starting`, when it has a check.
    health: Option<String>,
    /// Exit code of its last run.
    exit_code: Option<i64>,
    /// The engine's word on why it did not start.
    start_error: Option<String>,
    /// Last start.
    started_at: Option<DateTime<Utc>>,
    /// Last end.
    finished_at: Option<DateTime<Utc>>,
    /// All rights.
    privileged: bool,
    /// Removed when it ends.
    auto_remove: bool,
    /// Memory limit in bytes.
    memory_bytes: Option<i64>,
    /// Limit of processors in billionths of one.
    nano_cpus: Option<i64>,
}

/// A mount of a container.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContainerMount)]
pub struct MountView {
    /// `bind`, `volume`, `tmpfs`.
    kind: String,
    /// Path or volume name.
    source: String,
    /// Path inside.
    target: String,
    /// Whether the container may not write.
    read_only: bool,
}

/// A network that a container is in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ContainerNetwork)]
pub struct JoinedView {
    /// Its name.
    name: String,
    /// The container's address in it.
    address: String,
}

/// How much of the values a caller is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Names alone: the caller may see the container, but not manage it.
    Names,
    /// All but what looks like a secret.
    NoSecrets,
    /// Everything: asked for.
    Everything,
}

impl DetailView {
    /// Of the row and the engine's answer.
    pub fn new(container: Container, detail: ContainerDetail, shown: Shown) -> Self {
        let container = Container {
            name: detail.summary.name,
            state: detail.summary.state,
            ports: detail.summary.ports,
            ..container
        };
        let (env, masked_env) = match shown {
            Shown::Names => mask_env(detail.env, true),
            Shown::NoSecrets => mask_env(detail.env, false),
            Shown::Everything => (detail.env, Vec::new()),
        };
        let words = |words| {
            if shown == Shown::Everything {
                words
            } else {
                mask_words(words)
            }
        };
        let facts = Facts {
            env,
            masked_env,
            command: words(detail.command),
            entrypoint: words(detail.entrypoint),
            hostname: detail.hostname,
            working_dir: detail.working_dir,
            user: detail.user,
            labels: detail.labels,
            mounts: detail.mounts.into_iter().map(Into::into).collect(),
            networks: detail.networks.into_iter().map(Into::into).collect(),
            network_mode: detail.network_mode,
            restart_policy: detail.restart_policy,
            restart_count: detail.restart_count,
            health: detail.health,
            exit_code: detail.exit_code,
            start_error: Some(detail.error).filter(|error| !error.is_empty()),
            started_at: detail.started_at,
            finished_at: detail.finished_at,
            privileged: detail.privileged,
            auto_remove: detail.auto_remove,
            memory_bytes: Some(detail.memory_bytes).filter(|bytes| *bytes > 0),
            nano_cpus: Some(detail.nano_cpus).filter(|cpus| *cpus > 0),
        };
        Self {
            container,
            facts,
            engine_error: None,
        }
    }
}

impl From<ContainerMount> for MountView {
    fn from(mount: ContainerMount) -> Self {
        Self {
            kind: mount.kind,
            source: mount.source,
            target: mount.target,
            read_only: mount.read_only,
        }
    }
}

impl From<ContainerNetwork> for JoinedView {
    fn from(network: ContainerNetwork) -> Self {
        Self {
            name: network.name,
            address: network.address,
        }
    }
}
