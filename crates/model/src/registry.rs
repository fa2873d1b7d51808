use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Credentials that go along with one request to an engine or registry (`X-Registry-Auth`). Never stored on servers.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryAuth {
    /// Host and port, as references spell it.
    pub server_address: String,
    /// The account.
    pub username: String,
    /// Its password or token.
    pub password: String,
}

impl std::fmt::Debug for RegistryAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryAuth")
            .field("server_address", &self.server_address)
            .finish_non_exhaustive()
    }
}

/// An account on a registry, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registry {
    /// Row id.
    pub id: i64,
    /// Unique name.
    pub name: String,
    /// Where its API answers, `https://registry.example.com:5000`.
    pub url: String,
    /// Host and port as references spell it; `docker.io` for Docker Hub.
    pub host: String,
    /// Repositories below which this account is chosen by itself; empty for all of the host.
    pub namespace: String,
    /// The account.
    pub username: Option<String>,
    /// Whether a password is stored.
    pub has_password: bool,
    /// PEM certificates trusted beside the system's for this registry.
    pub ca: Option<String>,
    /// Whether it may be spoken to without TLS.
    pub plain_http: bool,
    /// How many steps may pull from or push to its host at once; the program's setting when null.
    pub step_limit: Option<u32>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
}
