use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use imagefleet_model::{Endpoint, ServerJump, ServerSsh};
use imagefleet_store::{JumpSecrets, ServerSshSetting, SshSecrets};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::fields::Faults;
use crate::extract::given;

/// Larger keys are none.
const LARGEST: usize = 64 * 1024;

/// SSH of an `ssh` server. In a change, what is left out stays and `null` clears.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SshBody {
    /// Private key: OpenSSH, PKCS#1, PKCS#8 or `PuTTY` text. Never returned.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    private_key: Option<Option<SecretString>>,
    /// Opens the private key. Never returned.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    passphrase: Option<Option<SecretString>>,
    /// Password of the account. Never returned.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    password: Option<Option<SecretString>>,
    /// The host key that the server must show: `SHA256:…` or a line of `known_hosts`. Left out, the first one met is
    /// pinned; `null` forgets the pinned one.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    host_key: Option<Option<String>>,
    /// The machine to go through.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<JumpBody>)]
    jump: Option<Option<JumpBody>>,
}

/// A machine that stands before a server.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JumpBody {
    /// `ssh://user@host[:port]`.
    endpoint: Option<String>,
    /// Private key. Never returned.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    private_key: Option<Option<SecretString>>,
    /// Opens the private key. Never returned.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    passphrase: Option<Option<SecretString>>,
    /// Password of the account. Never returned.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    password: Option<Option<SecretString>>,
    /// The host key that it must show. Left out, the first one met is pinned; `null` forgets the pinned one.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    host_key: Option<Option<String>>,
}

impl SshBody {
    /// The whole of a server's SSH after this change of what is present, checked.
    pub fn setting(
        self,
        present: Option<&SshSecrets>,
        pinned: Option<&str>,
        faults: &mut Faults,
    ) -> Option<ServerSshSetting> {
        let private_key = chosen(self.private_key, present.and_then(|ssh| ssh.private_key.as_ref()));
        faults.take("ssh.privateKey", private_key_like(private_key.as_ref()))?;
        let host_key = match self.host_key {
            None => pinned.map(ToOwned::to_owned),
            Some(given) => match filled(given) {
                Some(text) => Some(faults.take("ssh.hostKey", fingerprint(&text))?),
                None => None,
            },
        };
        let present_jump = present.and_then(|ssh| ssh.jump.as_ref());
        let jump = match self.jump {
            None => present_jump.cloned(),
            Some(None) => None,
            Some(Some(body)) => Some(body.merge(present_jump, faults)?),
        };
        let secrets = SshSecrets {
            private_key,
            passphrase: chosen(self.passphrase, present.and_then(|ssh| ssh.passphrase.as_ref())),
            password: chosen(self.password, present.and_then(|ssh| ssh.password.as_ref())),
            jump,
        };
        Some(shown(secrets, host_key))
    }
}

impl JumpBody {
    fn merge(self, present: Option<&JumpSecrets>, faults: &mut Faults) -> Option<JumpSecrets> {
        let (user, host, port) = match (&self.endpoint, present) {
            (Some(text), _) => {
                let Ok(Endpoint::Ssh { user, host, port }) = text.trim().parse() else {
                    faults.add("ssh.jump.endpoint", "must be ssh://user@host[:port]");
                    return None;
                };
                (user, host, port)
            }
            (None, Some(jump)) => (jump.user.clone(), jump.host.clone(), jump.port),
            (None, None) => {
                faults.add("ssh.jump.endpoint", "is required");
                return None;
            }
        };
        let private_key = chosen(
            self.private_key,
            present.and_then(|jump| jump.private_key.as_ref()),
        );
        faults.take("ssh.jump.privateKey", private_key_like(private_key.as_ref()))?;
        let host_key = match self.host_key {
            // Another machine has another key.
            None => present
                .filter(|jump| jump.host == host && jump.port == port)
                .and_then(|jump| jump.host_key.clone()),
            Some(given) => match filled(given) {
                Some(text) => Some(faults.take("ssh.jump.hostKey", fingerprint(&text))?),
                None => None,
            },
        };
        Some(JumpSecrets {
            user,
            host,
            port,
            host_key,
            private_key,
            passphrase: chosen(self.passphrase, present.and_then(|jump| jump.passphrase.as_ref())),
            password: chosen(self.password, present.and_then(|jump| jump.password.as_ref())),
        })
    }
}

/// Secrets together with what people see of them.
pub fn shown(secrets: SshSecrets, host_key: Option<String>) -> ServerSshSetting {
    let info = ServerSsh {
        host_key,
        has_private_key: secrets.private_key.is_some(),
        has_passphrase: secrets.passphrase.is_some(),
        has_password: secrets.password.is_some(),
        jump: secrets.jump.as_ref().map(|jump| ServerJump {
            endpoint: format!("ssh://{}@{}:{}", jump.user, jump.host, jump.port),
            host_key: jump.host_key.clone(),
            has_private_key: jump.private_key.is_some(),
            has_password: jump.password.is_some(),
        }),
    };
    ServerSshSetting { secrets, info }
}

fn chosen(given: Option<Option<SecretString>>, present: Option<&SecretString>) -> Option<SecretString> {
    match given {
        None => present.cloned(),
        Some(secret) => secret.filter(|secret| !secret.expose_secret().is_empty()),
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn private_key_like(key: Option<&SecretString>) -> Result<(), String> {
    let Some(key) = key.map(SecretString::expose_secret) else {
        return Ok(());
    };
    let known = key.contains("PRIVATE KEY-----") || key.contains("PuTTY-User-Key-File");
    if known && key.len() <= LARGEST {
        Ok(())
    } else {
        Err("is no private key: paste the whole file, from -----BEGIN to -----END".to_owned())
    }
}

/// `SHA256:…` of a fingerprint, of a public key, or of a line of `known_hosts`.
fn fingerprint(text: &str) -> Result<String, String> {
    let wrong = || "must be SHA256:… as ssh-keygen -l prints it, or a line of known_hosts".to_owned();
    if let Some(digest) = text.strip_prefix("SHA256:") {
        let digest = digest.trim_end_matches('=');
        let bytes = STANDARD_NO_PAD.decode(digest).map_err(|_| wrong())?;
        return if bytes.len() == 32 {
            Ok(format!("SHA256:{digest}"))
        } else {
            Err(wrong())
        };
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let kind = words
        .iter()
        .position(|word| word.starts_with("ssh-") || word.starts_with("ecdsa-"));
    let blob = kind.and_then(|at| words.get(at + 1)).ok_or_else(wrong)?;
    let blob = STANDARD.decode(blob).map_err(|_| wrong())?;
    Ok(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob))))
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn host_keys_as_people_have_them() {
        let digest = "SHA256:uNiVztksCsDhcc0u9e8BrJQXVUpKZIDTMczCvj3tD2s";
        assert_eq!(fingerprint(digest).as_deref(), Ok(digest));
        // The host key of github.com and its fingerprint, both published.
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
        let known = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";
        for line in [
            format!("ssh-ed25519 {key}"),
            format!("github.com ssh-ed25519 {key} a comment"),
        ] {
            assert_eq!(fingerprint(&line).as_deref(), Ok(known));
        }
        for bad in [
            "",
            "MD5:aa:bb",
            "SHA256:",
            "SHA256:short",
            "ssh-ed25519",
            "ssh-ed25519 !!",
        ] {
            assert!(fingerprint(bad).is_err(), "{bad} was taken");
        }
    }
}
