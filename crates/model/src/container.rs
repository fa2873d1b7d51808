use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ServerId;

/// How to create a container (`POST /images/{id}/containers`; Docker API `POST /containers/create`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ContainerSpec {
    /// Required; unique on its server.
    pub name: String,
    /// The container's own host name.
    pub hostname: Option<String>,
    /// Published ports.
    pub ports: Vec<PortBinding>,
    /// Environment; a value may be empty and may hold anything but NUL.
    pub env: BTreeMap<String, String>,
    /// Bind mounts and named volumes.
    pub volumes: Vec<Mount>,
    /// When the engine starts it again.
    pub restart_policy: RestartPolicy,
    /// `bridge`, `host`, `none` or a network's name; the engine's default when empty.
    pub network_mode: String,
    /// Replaces the image's command when not empty.
    pub command: Vec<String>,
    /// Replaces the image's entry point when given.
    pub entrypoint: Option<Vec<String>>,
    /// Absolute path.
    pub working_dir: Option<String>,
    /// `user[:group]`.
    pub user: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Hard limit of memory in bytes.
    pub memory_bytes: Option<i64>,
    /// Limit of processors in billionths of one.
    pub nano_cpus: Option<i64>,
    /// All capabilities and devices.
    pub privileged: bool,
    /// Remove it when it ends.
    pub auto_remove: bool,
    /// Start it after creation; yes when left out.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub start: bool,
}

const fn yes() -> bool {
    true
}

/// One published port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortBinding {
    /// Port of the server; the engine chooses one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<u16>,
    /// Port of the container.
    pub container: u16,
    /// TCP unless said otherwise.
    #[serde(default)]
    pub protocol: PortProtocol,
    /// Address of the server to listen on; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<String>,
}

/// Protocol of a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PortProtocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

impl PortProtocol {
    /// `tcp` or `udp`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// One mounted volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mount {
    /// Absolute path on the server, or a volume's name.
    pub source: String,
    /// Absolute path in the container.
    pub target: String,
    /// Whether the container may not write.
    #[serde(default)]
    pub read_only: bool,
}

/// When the engine starts a container again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestartPolicy {
    /// Which policy.
    #[serde(default)]
    pub name: RestartPolicyName,
    /// Only with `on-failure`: how often at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_retry_count: Option<i64>,
}

/// The engine's four policies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicyName {
    /// Never.
    #[default]
    No,
    /// Always, also after the engine's start.
    Always,
    /// After a non-zero exit.
    OnFailure,
    /// Always, unless somebody stopped it.
    UnlessStopped,
}

impl RestartPolicyName {
    /// As the engine spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Always => "always",
            Self::OnFailure => "on-failure",
            Self::UnlessStopped => "unless-stopped",
        }
    }
}

/// A container as held by one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Row id.
    pub id: i64,
    /// Its server.
    pub server_id: ServerId,
    /// That server's name.
    pub server_name: String,
    /// The engine's id.
    pub engine_id: String,
    /// Without the leading slash.
    pub name: String,
    /// The reference it was created from.
    pub image: String,
    /// The image row, when that image is still there.
    pub image_id: Option<i64>,
    /// The engine's id of its image.
    pub image_engine_id: String,
    /// The catalogue entry of its image.
    pub software_id: Option<i64>,
    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    pub state: String,
    /// The engine's line, "Up 3 minutes (healthy)".
    pub status: String,
    /// Published and exposed ports.
    pub ports: Vec<ContainerPort>,
    /// Whether the reference it was created from now names other content on that server.
    pub image_outdated: bool,
    /// When it was created.
    pub created_at: Option<DateTime<Utc>>,
    /// When the row last changed.
    pub updated_at: DateTime<Utc>,
}

/// A port of a container as the engine lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerPort {
    /// Port of the container.
    pub container: u16,
    /// Port of the server, when published.
    pub host: Option<u16>,
    /// Address on the server, when published.
    pub host_ip: Option<String>,
    /// TCP or UDP.
    pub protocol: PortProtocol,
}
