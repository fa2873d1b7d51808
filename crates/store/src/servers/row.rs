use std::time::Duration;

use imagefleet_model::{
    CertificateInfo, Endpoint, ImageStore, Server, ServerSsh, ServerStatus, ServerTls, ServerWarning,
    Timestamp,
};
use sea_orm::FromQueryResult;

use crate::{Result, StoreError, sql};

/// How long before its end a certificate is worth a word.
const SOON: Duration = Duration::from_hours(30 * 24);

/// The columns that [`ServerRow`] reads.
pub const COLUMNS: &str = "v.id, v.name, v.endpoint, v.description, v.tags, v.enabled, v.paused, v.step_limit, v.off_peak, v.tls_info, \
                           v.ssh_info, v.ssh_host_key, v.status, v.status_code, v.status_reason, v.status_since, \
                           v.engine_version, v.api_version, v.image_store, v.platform, v.memory_bytes, v.cpus, \
                           v.image_count, v.total_size, v.last_seen_at, v.last_sync_at, v.created_at, v.updated_at";

/// A row of `servers` without its secrets.
#[derive(FromQueryResult)]
pub struct ServerRow {
    pub id: i64,
    name: String,
    endpoint: String,
    description: String,
    tags: String,
    enabled: bool,
    paused: bool,
    step_limit: Option<i64>,
    off_peak: Option<String>,
    tls_info: Option<String>,
    ssh_info: Option<String>,
    ssh_host_key: Option<String>,
    status: String,
    status_code: Option<String>,
    status_reason: Option<String>,
    status_since: Option<i64>,
    engine_version: Option<String>,
    api_version: Option<String>,
    image_store: Option<String>,
    platform: Option<String>,
    memory_bytes: Option<i64>,
    cpus: Option<i64>,
    image_count: i64,
    total_size: i64,
    last_seen_at: Option<i64>,
    last_sync_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl ServerRow {
    /// As people see it at that moment.
    pub fn into_server(self, now: Timestamp) -> Result<Server> {
        let tls: Option<ServerTls> = sql::maybe_json(self.tls_info.as_deref())?;
        let ssh: Option<ServerSsh> = sql::maybe_json(self.ssh_info.as_deref())?;
        let is_ssh = self.endpoint.starts_with("ssh://");
        let ssh = match ssh {
            None if is_ssh => Some(ServerSsh::default()),
            other => other,
        };
        let ssh = ssh.map(|ssh| ServerSsh {
            host_key: self.ssh_host_key,
            ..ssh
        });
        Ok(Server {
            warnings: warnings(&self.endpoint, tls.as_ref(), now),
            id: self.id,
            name: self.name,
            endpoint: self.endpoint,
            description: self.description,
            tags: sql::from_json(&self.tags)?,
            enabled: self.enabled,
            paused: self.paused,
            step_limit: self.step_limit.and_then(|limit| u32::try_from(limit).ok()),
            off_peak: sql::maybe_json(self.off_peak.as_deref())?,
            status: status(&self.status)?,
            status_code: self.status_code,
            status_reason: self.status_reason,
            status_since: sql::maybe_time(self.status_since),
            engine_version: self.engine_version,
            api_version: self.api_version,
            image_store: self.image_store.as_deref().and_then(ImageStore::from_word),
            platform: self.platform,
            memory_bytes: self.memory_bytes.map(sql::unsigned),
            cpus: self.cpus.and_then(|cpus| u32::try_from(cpus).ok()),
            image_count: sql::unsigned(self.image_count),
            total_size: sql::unsigned(self.total_size),
            last_seen_at: sql::maybe_time(self.last_seen_at),
            last_sync_at: sql::maybe_time(self.last_sync_at),
            created_at: sql::time(self.created_at),
            updated_at: sql::time(self.updated_at),
            tls,
            ssh,
        })
    }
}

pub fn status(word: &str) -> Result<ServerStatus> {
    ServerStatus::from_word(word).ok_or_else(|| StoreError::Unreadable(format!("server status {word}")))
}

pub fn endpoint(text: &str) -> Result<Endpoint> {
    text.parse()
        .map_err(|error: imagefleet_model::InvalidEndpoint| StoreError::Unreadable(error.0))
}

fn warnings(way: &str, tls: Option<&ServerTls>, now: Timestamp) -> Vec<ServerWarning> {
    let mut warnings = Vec::new();
    let mut warn = |code: &str, message: String| {
        warnings.push(ServerWarning {
            code: code.to_owned(),
            message,
        });
    };
    if endpoint(way).is_ok_and(|endpoint| endpoint.is_exposed()) {
        warn(
            "plain_tcp",
            "Plain TCP is neither encrypted nor asks who you are: anybody on the way can read along and anybody \
             who reaches the port has full control of the server. Use tcps:// or ssh://."
                .to_owned(),
        );
    }
    if let Some(tls) = tls {
        for (whose, certificate) in [("CA", &tls.ca), ("client", &tls.cert)] {
            if let Some((code, message)) = certificate.as_ref().and_then(|it| expiry(whose, it, now)) {
                warn(code, message);
            }
        }
    }
    warnings
}

fn expiry(whose: &str, certificate: &CertificateInfo, now: Timestamp) -> Option<(&'static str, String)> {
    let until = certificate.not_after.format("%Y-%m-%d");
    if certificate.not_after <= now {
        Some((
            "certificate_expired",
            format!("The {whose} certificate was valid only until {until}."),
        ))
    } else if certificate.not_after <= now + SOON {
        Some((
            "certificate_expires_soon",
            format!("The {whose} certificate is valid only until {until}."),
        ))
    } else {
        None
    }
}
