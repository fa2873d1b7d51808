//! Registries, asked by us and not by an engine: whether an account works, what is there, and what it is before it is
//! pulled (OCI distribution specification; Docker Hub and Harbor where that has no answer).

mod access;
mod address;
mod ask;
mod check;
mod failures;
mod hub;
mod manifest;
mod repositories;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use imagefleet_model::{ErrorCode, Failure};
use imagefleet_store::RegistryAccount;
use secrecy::SecretString;
use url::Url;

use crate::innermost::innermost;

pub use address::{InvalidAddress, RegistryAddress};
pub use repositories::{FoundRepository, Repositories};
pub use tags::{FoundTag, TagPlatform};

/// Where Docker Hub's registry answers.
const HUB_REGISTRY: &str = "https://registry-1.docker.io";
/// Where Docker Hub answers searches.
const HUB_SEARCH: &str = "https://hub.docker.com";
/// The host under which references know Docker Hub.
const HUB: &str = "docker.io";

const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);

/// A client for one registry account.
pub struct RegistryClient {
    http: reqwest::Client,
    /// Where `/v2/` lies.
    base: Url,
    /// Where Docker Hub's own API lies, when this is Docker Hub.
    hub: Option<Url>,
    host: String,
    namespace: String,
    username: Option<String>,
    password: Option<SecretString>,
    /// `Authorization` values by scope, as long as this client lives.
    headers: Mutex<HashMap<String, SecretString>>,
}

impl std::fmt::Debug for RegistryClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryClient")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

impl RegistryClient {
    /// A client for that account; nothing is asked yet.
    pub fn new(account: &RegistryAccount) -> Result<Self, Failure> {
        let registry = &account.registry;
        let is_hub = registry.host == HUB;
        let address = if is_hub { HUB_REGISTRY } else { &registry.url };
        let base = Url::parse(address)
            .map_err(|_| Failure::new(ErrorCode::InvalidInput, "The registry's URL cannot be read."))?;
        if base.scheme() == "http" && !address::may_be_plain(&base, registry.plain_http) {
            return Err(Failure::new(
                ErrorCode::RegistryTlsFailed,
                "Plain HTTP is not allowed for this registry.",
            ));
        }
        Ok(Self {
            http: http_client(registry.ca.as_deref(), base.scheme() == "http")?,
            hub: is_hub.then(|| Url::parse(HUB_SEARCH).ok()).flatten(),
            base,
            host: registry.host.clone(),
            namespace: registry.namespace.clone(),
            username: registry.username.clone(),
            password: account.password.clone(),
            headers: Mutex::default(),
        })
    }

    /// The familiar form of a repository of this registry, as images are pulled by.
    fn familiar(&self, path: &str) -> String {
        let canonical = format!("{}/{path}", self.host);
        imagefleet_model::ImageRef::parse(&canonical).map_or(canonical, |reference| reference.repository())
    }
}

fn http_client(ca: Option<&str>, plain: bool) -> Result<reqwest::Client, Failure> {
    // The first one stands; a second attempt is refused and changes nothing.
    rustls::crypto::ring::default_provider().install_default().ok();
    let unusable = |error: reqwest::Error| {
        Failure::new(
            ErrorCode::RegistryTlsFailed,
            format!("No secure connection can be prepared: {}.", innermost(&error)),
        )
    };
    let own = match ca.filter(|ca| !ca.trim().is_empty()) {
        Some(ca) => reqwest::Certificate::from_pem_bundle(ca.as_bytes()).map_err(unusable)?,
        None => Vec::new(),
    };
    let builder = || {
        reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .user_agent(concat!("imagefleet/", env!("CARGO_PKG_VERSION")))
    };
    match builder().tls_certs_merge(own.clone()).build() {
        // A machine without any CA, such as a container with nothing but the program: plain HTTP needs none.
        Err(_) if plain => builder().tls_certs_only(own).build(),
        built => built,
    }
    .map_err(unusable)
}
