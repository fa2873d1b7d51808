use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{ImageStore, ServerId, ServerStatus};

/// A server as people see it: everything but its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// Row id.
    pub id: ServerId,
    /// Unique name.
    pub name: String,
    /// `unix:///path`, `tcp://host:port`, `tcps://host:port` or `ssh://user@host[:port]`.
    pub endpoint: String,
    /// Free text.
    pub description: String,
    /// Words to find and to grant by.
    pub tags: Vec<String>,
    /// Whether it is worked with at all.
    pub enabled: bool,
    /// Whether its queue is held: nothing new starts there.
    pub paused: bool,
    /// Whether its engine answers.
    pub status: ServerStatus,
    /// Stable code of why it is offline.
    pub status_code: Option<String>,
    /// Why it is offline, for people.
    pub status_reason: Option<String>,
    /// Since when it has this status.
    pub status_since: Option<DateTime<Utc>>,
    /// `20.10.24`, `28.5.2`, …; the last one seen.
    pub engine_version: Option<String>,
    /// The API version negotiated last.
    pub api_version: Option<String>,
    /// How the engine keeps images.
    pub image_store: Option<ImageStore>,
    /// The engine's own platform, `linux/amd64`.
    pub platform: Option<String>,
    /// Bytes of memory of the machine.
    pub memory_bytes: Option<u64>,
    /// Processors of the machine.
    pub cpus: Option<u32>,
    /// Images there that the caller may see.
    pub image_count: u64,
    /// Bytes of these images, each content once.
    pub total_size: u64,
    /// When its engine answered last.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// When its inventory was last brought in step.
    pub last_sync_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When somebody last edited it.
    pub updated_at: DateTime<Utc>,
    /// For `tcps`: what is configured, without the key.
    pub tls: Option<ServerTls>,
    /// For `ssh`: what is configured, without the secrets.
    pub ssh: Option<ServerSsh>,
    /// What is worth a second look about the way to it.
    pub warnings: Vec<ServerWarning>,
}

/// TLS of a server, without its key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerTls {
    /// Always true: TLS material is stored.
    pub configured: bool,
    /// The first certificate of the authority.
    pub ca: Option<CertificateInfo>,
    /// Our client certificate, when there is one.
    pub cert: Option<CertificateInfo>,
}

/// What identifies a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateInfo {
    /// Whom it names (RFC 4514 text).
    pub subject: String,
    /// SHA-256 of its DER form, in small hexadecimal digits.
    pub fingerprint: String,
    /// From when it is valid.
    pub not_before: DateTime<Utc>,
    /// Until when it is valid.
    pub not_after: DateTime<Utc>,
}

/// SSH of a server, without its secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerSsh {
    /// The pinned host key, `SHA256:…`; the next one met is pinned when null.
    pub host_key: Option<String>,
    /// Whether a private key is stored.
    pub has_private_key: bool,
    /// Whether a passphrase of that key is stored.
    pub has_passphrase: bool,
    /// Whether a password is stored.
    pub has_password: bool,
    /// The machine to go through.
    pub jump: Option<ServerJump>,
}

/// A machine that stands before a server, without its secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerJump {
    /// `ssh://user@host[:port]`.
    pub endpoint: String,
    /// The pinned host key, `SHA256:…`; the next one met is pinned when null.
    pub host_key: Option<String>,
    /// Whether a private key is stored.
    pub has_private_key: bool,
    /// Whether a password is stored.
    pub has_password: bool,
}

/// Something about the way to a server that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerWarning {
    /// `plain_tcp`, `certificate_expired`, `certificate_expires_soon`, `host_key_unpinned`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}
