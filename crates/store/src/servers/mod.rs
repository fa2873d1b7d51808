//! Servers: what people may see of them, their secrets, and what the health watcher found.

mod create;
mod delete;
mod health;
mod list;
mod read;
mod row;
mod secrets;
#[cfg(test)]
mod tests;
mod update;

use imagefleet_model::{Endpoint, ServerId, ServerSsh, ServerStatus, ServerTls};
#[cfg(test)]
use secrecy::SecretString;

pub use secrets::{JumpSecrets, SshSecrets, TlsSecrets};
pub(crate) use secrets::{ssh_place, tls_place};

/// A server to be added.
#[derive(Debug, Clone)]
pub struct NewServer {
    /// Unique name.
    pub name: String,
    /// The way to its engine.
    pub endpoint: Endpoint,
    /// Free text.
    pub description: String,
    /// Words to find and to grant by.
    pub tags: Vec<String>,
    /// Whether it is worked with at all.
    pub enabled: bool,
    /// For `tcps`.
    pub tls: Option<ServerTlsSetting>,
    /// For `ssh`.
    pub ssh: Option<ServerSshSetting>,
}

/// TLS of a server: what is kept secret and what people see of it.
#[derive(Debug, Clone)]
pub struct ServerTlsSetting {
    /// Sealed before it is stored.
    pub secrets: TlsSecrets,
    /// Shown.
    pub info: ServerTls,
}

/// SSH of a server: what is kept secret and what people see of it (the host key is taken from here).
#[derive(Debug, Clone)]
pub struct ServerSshSetting {
    /// Sealed before it is stored.
    pub secrets: SshSecrets,
    /// Shown.
    pub info: ServerSsh,
}

/// What to change of a server; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct ServerChange {
    /// A new name.
    pub name: Option<String>,
    /// A new way.
    pub endpoint: Option<Endpoint>,
    /// A new text.
    pub description: Option<String>,
    /// All tags, instead of the present ones.
    pub tags: Option<Vec<String>>,
    /// Switch it on or off.
    pub enabled: Option<bool>,
    /// Hold or release its queue.
    pub paused: Option<bool>,
    /// All of its TLS, or `Some(None)` to forget it.
    pub tls: Option<Option<ServerTlsSetting>>,
    /// All of its SSH, or `Some(None)` to forget it.
    pub ssh: Option<Option<ServerSshSetting>>,
    /// Refuse with a conflict unless the way is still of this generation: the change was merged from it.
    pub generation: Option<i64>,
}

/// Which servers.
#[derive(Debug, Clone, Default)]
pub struct ServerFilter {
    /// Part of the name, the endpoint or the description.
    pub search: Option<String>,
    /// Only in this status.
    pub status: Option<ServerStatus>,
    /// Only with this tag.
    pub tag: Option<String>,
}

/// A server as its engine's connector needs it, secrets opened.
#[derive(Debug, Clone)]
pub struct EngineServer {
    /// Row id.
    pub id: ServerId,
    /// Its name.
    pub name: String,
    /// Whether it is worked with at all.
    pub enabled: bool,
    /// Grows whenever the way to it changes.
    pub generation: i64,
    /// The way.
    pub endpoint: Endpoint,
    /// For `tcps`.
    pub tls: Option<TlsSecrets>,
    /// For `ssh`.
    pub ssh: Option<SshSecrets>,
    /// The pinned host key.
    pub host_key: Option<String>,
}

/// What one health check changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HealthChange {
    /// The status, its reason or what the engine says of itself is another one now: people want to know.
    pub changed: bool,
}

/// Tests compare secrets; nothing else may look into them so carelessly.
#[cfg(test)]
fn exposed(secret: Option<&SecretString>) -> Option<&str> {
    use secrecy::ExposeSecret as _;
    secret.map(SecretString::expose_secret)
}
