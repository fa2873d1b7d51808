use imagefleet_model::ServerId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::{Result, Secrets, sql};

/// PEM texts of a `tcps` server.
#[derive(Debug, Clone)]
pub struct TlsSecrets {
    /// Certificates that are trusted.
    pub ca: String,
    /// Our certificate chain.
    pub cert: Option<String>,
    /// Its private key.
    pub key: Option<SecretString>,
}

/// How to log in at an `ssh` server.
#[derive(Debug, Clone, Default)]
pub struct SshSecrets {
    /// Private key.
    pub private_key: Option<SecretString>,
    /// Opens the private key.
    pub passphrase: Option<SecretString>,
    /// Password of the account.
    pub password: Option<SecretString>,
    /// The machine to go through.
    pub jump: Option<JumpSecrets>,
}

/// How to log in at the machine before a server.
#[derive(Debug, Clone)]
pub struct JumpSecrets {
    /// Login name there.
    pub user: String,
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The host key that it must show.
    pub host_key: Option<String>,
    /// Private key.
    pub private_key: Option<SecretString>,
    /// Opens the private key.
    pub passphrase: Option<SecretString>,
    /// Password of the account.
    pub password: Option<SecretString>,
}

/// The plain form, which exists only between opening and sealing. It must never be printed: it has no `Debug`.
#[derive(Serialize, Deserialize)]
struct PlainTls {
    ca: String,
    cert: Option<String>,
    key: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct PlainSsh {
    private_key: Option<String>,
    passphrase: Option<String>,
    password: Option<String>,
    jump: Option<PlainJump>,
}

#[derive(Serialize, Deserialize)]
struct PlainJump {
    user: String,
    host: String,
    port: u16,
    host_key: Option<String>,
    private_key: Option<String>,
    passphrase: Option<String>,
    password: Option<String>,
}

fn bare(secret: Option<&SecretString>) -> Option<String> {
    secret.map(|secret| secret.expose_secret().to_owned())
}

/// To what a server's TLS material is bound.
pub fn tls_place(id: ServerId) -> String {
    format!("servers|{id}|tls")
}

/// To what a server's SSH material is bound.
pub fn ssh_place(id: ServerId) -> String {
    format!("servers|{id}|ssh")
}

pub fn seal_tls(secrets: &Secrets, id: ServerId, tls: &TlsSecrets) -> Result<String> {
    let plain = PlainTls {
        ca: tls.ca.clone(),
        cert: tls.cert.clone(),
        key: bare(tls.key.as_ref()),
    };
    secrets.seal(&tls_place(id), &sql::json(&plain)?.into())
}

pub fn open_tls(secrets: &Secrets, id: ServerId, stored: &str) -> Result<TlsSecrets> {
    let text = secrets.open(&tls_place(id), stored)?;
    let plain: PlainTls = sql::from_json(text.expose_secret())?;
    Ok(TlsSecrets {
        ca: plain.ca,
        cert: plain.cert,
        key: plain.key.map(Into::into),
    })
}

pub fn seal_ssh(secrets: &Secrets, id: ServerId, ssh: &SshSecrets) -> Result<String> {
    let plain = PlainSsh {
        private_key: bare(ssh.private_key.as_ref()),
        passphrase: bare(ssh.passphrase.as_ref()),
        password: bare(ssh.password.as_ref()),
        jump: ssh.jump.as_ref().map(|jump| PlainJump {
            user: jump.user.clone(),
            host: jump.host.clone(),
            port: jump.port,
            host_key: jump.host_key.clone(),
            private_key: bare(jump.private_key.as_ref()),
            passphrase: bare(jump.passphrase.as_ref()),
            password: bare(jump.password.as_ref()),
        }),
    };
    secrets.seal(&ssh_place(id), &sql::json(&plain)?.into())
}

pub fn open_ssh(secrets: &Secrets, id: ServerId, stored: &str) -> Result<SshSecrets> {
    let text = secrets.open(&ssh_place(id), stored)?;
    let plain: PlainSsh = sql::from_json(text.expose_secret())?;
    Ok(SshSecrets {
        private_key: plain.private_key.map(Into::into),
        passphrase: plain.passphrase.map(Into::into),
        password: plain.password.map(Into::into),
        jump: plain.jump.map(|jump| JumpSecrets {
            user: jump.user,
            host: jump.host,
            port: jump.port,
            host_key: jump.host_key,
            private_key: jump.private_key.map(Into::into),
            passphrase: jump.passphrase.map(Into::into),
            password: jump.password.map(Into::into),
        }),
    })
}
