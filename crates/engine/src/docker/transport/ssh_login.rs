use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use imagefleet_model::{ErrorCode, Failure};
use russh::MethodKind;
use russh::client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::Result;
use crate::docker::connection::SshMaterial;

/// Bytes on their way in one channel before the server has to wait.
const WINDOW: u32 = 8 * 1024 * 1024;
/// Packets (32 KiB) of one channel that wait for their reader.
const QUEUE: usize = 64;
/// A server that is gone is noticed after three of these.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// Rounds of questions that a server may ask for a password.
const ROUNDS: usize = 4;

/// Which host key is expected, and which was met. The first one met is kept for every later connection.
#[derive(Debug, Clone)]
pub(super) struct HostKeyMemory(Arc<Mutex<HostKeys>>);

#[derive(Debug, Default)]
struct HostKeys {
    expected: Option<String>,
    observed: Option<String>,
    refused: bool,
}

impl HostKeyMemory {
    pub fn new(expected: Option<String>) -> Self {
        Self(Arc::new(Mutex::new(HostKeys {
            expected: expected.map(|pin| pin.trim().trim_end_matches('=').to_owned()),
            ..HostKeys::default()
        })))
    }

    pub fn observed(&self) -> Option<String> {
        self.lock().observed.clone()
    }

    fn check(&self, fingerprint: &str) -> bool {
        let mut keys = self.lock();
        keys.observed = Some(fingerprint.to_owned());
        let expected = keys.expected.get_or_insert_with(|| fingerprint.to_owned());
        let same = expected == fingerprint;
        keys.refused = !same;
        same
    }

    fn refusal(&self, host: &str) -> Option<Failure> {
        let keys = self.lock();
        keys.refused.then(|| {
            Failure::new(
                ErrorCode::SshHostKeyChanged,
                format!(
                    "{host} shows the host key {}, and {} is pinned",
                    keys.observed.as_deref().unwrap_or_default(),
                    keys.expected.as_deref().unwrap_or_default()
                ),
            )
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HostKeys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the host key, and lets the server start nothing by itself.
pub(super) struct Greeter(HostKeyMemory);

impl client::Handler for Greeter {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> std::result::Result<bool, russh::Error> {
        let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        Ok(self.0.check(&fingerprint))
    }
}

/// Key exchange and host key; nobody is logged in after it.
pub(super) async fn greet<S>(stream: S, host: &str, keys: &HostKeyMemory) -> Result<Handle<Greeter>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = client::Config {
        window_size: WINDOW,
        channel_buffer_size: QUEUE,
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: 3,
        nodelay: true,
        ..client::Config::default()
    };
    client::connect_stream(Arc::new(config), stream, Greeter(keys.clone()))
        .await
        .map_err(|error| {
            keys.refusal(host).unwrap_or_else(|| {
                Failure::passing(
                    ErrorCode::EngineUnreachable,
                    format!("{host}: SSH: {error}"),
                    Duration::ZERO,
                )
            })
        })
}

/// Logs in with the key, then with the password.
pub(super) async fn log_in(
    handle: &mut Handle<Greeter>,
    user: &str,
    host: &str,
    material: &SshMaterial,
) -> Result<()> {
    let broken = |error: russh::Error| refused(&format!("{user}@{host}: {error}"));
    let mut tried = Vec::new();
    if let Some(text) = &material.private_key {
        let passphrase = material.passphrase.as_ref().map(ExposeSecret::expose_secret);
        let key = decode_secret_key(text.expose_secret(), passphrase)
            .map_err(|error| unreadable_key(&error, passphrase))?;
        let hash = handle.best_supported_rsa_hash().await.map_err(broken)?.flatten();
        let answer = handle
            .authenticate_publickey(user, PrivateKeyWithHashAlg::new(Arc::new(key), hash))
            .await
            .map_err(broken)?;
        if answer.success() {
            return Ok(());
        }
        tried.push("key");
    }
    if let Some(password) = &material.password {
        if with_password(handle, user, password).await.map_err(broken)? {
            return Ok(());
        }
        tried.push("password");
    }
    if tried.is_empty() {
        return Err(refused("SSH needs a private key or a password"));
    }
    Err(refused(&format!(
        "{host} does not let {user} in with this {}",
        tried.join(" or ")
    )))
}

async fn with_password(
    handle: &mut Handle<Greeter>,
    user: &str,
    password: &SecretString,
) -> std::result::Result<bool, russh::Error> {
    match handle
        .authenticate_password(user, password.expose_secret())
        .await?
    {
        AuthResult::Success => Ok(true),
        // Many servers take passwords only as the answer to a question.
        AuthResult::Failure {
            remaining_methods, ..
        } if remaining_methods.contains(&MethodKind::KeyboardInteractive) => {
            let mut answer = handle.authenticate_keyboard_interactive_start(user, None).await?;
            for _ in 0..ROUNDS {
                match answer {
                    KeyboardInteractiveAuthResponse::Success => return Ok(true),
                    KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
                    KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                        let answers = prompts
                            .iter()
                            .map(|_| password.expose_secret().to_owned())
                            .collect();
                        answer = handle.authenticate_keyboard_interactive_respond(answers).await?;
                    }
                }
            }
            Ok(false)
        }
        AuthResult::Failure { .. } => Ok(false),
    }
}

fn unreadable_key(error: &russh::keys::Error, passphrase: Option<&str>) -> Failure {
    let words = match (error, passphrase) {
        (russh::keys::Error::KeyIsEncrypted, None) => {
            "the private key is locked: give its passphrase".to_owned()
        }
        (_, Some(_)) => "the private key does not open with this passphrase".to_owned(),
        _ => "the private key cannot be read".to_owned(),
    };
    refused(&words)
}

fn refused(words: &str) -> Failure {
    Failure::new(ErrorCode::SshAuthFailed, words)
}
