use std::time::Duration;

use imagefleet_model::Endpoint;
use secrecy::SecretString;

/// Everything that is needed to reach one engine. Printing it shows no secret.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Where.
    pub endpoint: Endpoint,
    /// For `tcps`: whom to trust and who we are.
    pub tls: Option<TlsMaterial>,
    /// For `ssh`: how to log in.
    pub ssh: Option<SshMaterial>,
    /// How long to wait for what.
    pub limits: Limits,
}

impl Connection {
    /// A connection without secrets and with the usual limits.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            tls: None,
            ssh: None,
            limits: Limits::default(),
        }
    }
}

/// PEM texts for `tcps`. Only `ca` is trusted: the system's roots never are.
#[derive(Debug, Clone)]
pub struct TlsMaterial {
    /// Certificates of the authority (or of the engine itself).
    pub ca: String,
    /// Our certificate chain, when the engine asks for one.
    pub cert: Option<String>,
    /// Its private key.
    pub key: Option<SecretString>,
}

/// How to log in over SSH. A key is tried before a password.
#[derive(Debug, Clone, Default)]
pub struct SshMaterial {
    /// Private key: OpenSSH, PKCS#1, PKCS#8 or `PuTTY` text.
    pub private_key: Option<SecretString>,
    /// Opens the private key.
    pub passphrase: Option<SecretString>,
    /// Password of the account.
    pub password: Option<SecretString>,
    /// Fingerprint that the server must show, `SHA256:…`; any is taken and reported when `None`.
    pub host_key: Option<String>,
    /// A machine to go through.
    pub jump: Option<Box<SshJump>>,
}

/// A machine that stands before the server.
#[derive(Debug, Clone)]
pub struct SshJump {
    /// Login name there.
    pub user: String,
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How to log in there.
    pub material: SshMaterial,
}

/// How long to wait for what. None of them limits a whole transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Name, TCP, TLS and SSH login together.
    pub connect: Duration,
    /// A call that only asks, from its first to its last byte.
    pub answer: Duration,
    /// A call that changes something (stopping waits for the container's grace time).
    pub change: Duration,
    /// A pull or push before its first message: the engine's own attempts at a dead registry end before.
    pub first_message: Duration,
    /// No byte for so long in the middle of a stream.
    pub idle: Duration,
    /// An engine goes on talking of a transfer for so long without anything new: the containerd store repeats what it has told.
    pub still: Duration,
    /// The same as `idle` while an engine works in silence: extracts, or writes a save's own copy before its first byte.
    pub preparing: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            change: Duration::from_mins(5),
            first_message: Duration::from_mins(3),
            idle: Duration::from_mins(1),
            still: Duration::from_mins(5),
            preparing: Duration::from_mins(15),
        }
    }
}
