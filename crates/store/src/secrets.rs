use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use rand::Rng as _;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest as _, Sha256};

use crate::{Result, StoreError};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// Format of a stored secret: `v1:<key id>:<base64 of nonce and ciphertext>`.
const FORMAT: &str = "v1";

/// The installation's key. All programs that share a database share it.
#[derive(Clone)]
pub struct SecretKey(std::sync::Arc<SecretBox<[u8; KEY_BYTES]>>);

impl SecretKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        let mut key = [0u8; KEY_BYTES];
        rand::rng().fill_bytes(&mut key);
        Self::from_bytes(key)
    }

    /// That key.
    #[must_use]
    pub fn from_bytes(key: [u8; KEY_BYTES]) -> Self {
        Self(std::sync::Arc::new(SecretBox::new(Box::new(key))))
    }

    /// Reads a key file; `None` when it is not there.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map(Some).ok_or_else(|| {
                StoreError::Unreadable(format!("{} holds no 64 hexadecimal digits", path.display()))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(failed(path, cause)),
        }
    }

    /// Writes it to a file that is not there yet (mode 0600), down to the disk.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_private(path, &hex::encode(self.0.expose_secret())).map_err(|cause| failed(path, cause))
    }

    /// Names the key without telling it.
    #[must_use]
    pub fn id(&self) -> String {
        Secrets::new(self).key_id
    }

    /// A key from its 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; KEY_BYTES] = hex::decode(text.trim()).ok()?.try_into().ok()?;
        Some(Self::from_bytes(bytes))
    }
}

fn failed(path: &Path, cause: std::io::Error) -> StoreError {
    StoreError::File {
        path: path.display().to_string(),
        cause,
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Encrypts what must not be read from a stolen database: XChaCha20-Poly1305, bound to its table, row and column.
#[derive(Clone)]
pub struct Secrets {
    cipher: XChaCha20Poly1305,
    key_id: String,
}

impl Secrets {
    /// From the installation's key; the encryption key is derived for this purpose alone (HKDF-SHA-256).
    #[must_use]
    pub fn new(key: &SecretKey) -> Self {
        let mut derived = [0u8; KEY_BYTES];
        let hkdf = Hkdf::<Sha256>::new(None, key.0.expose_secret());
        // Only a length over 255 hashes can fail.
        if hkdf
            .expand(b"imagefleet column encryption v1", &mut derived)
            .is_err()
        {
            unreachable!("32 bytes are a valid HKDF length");
        }
        let key_id = hex::encode(&Sha256::digest(derived)[..4]);
        Self {
            cipher: XChaCha20Poly1305::new(&derived.into()),
            key_id,
        }
    }

    /// Names the key without telling it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// `plain`, readable only with the key and only at this place.
    pub fn seal(&self, place: &str, plain: &SecretString) -> Result<String> {
        let mut nonce = [0u8; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload {
            msg: plain.expose_secret().as_bytes(),
            aad: place.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::Unreadable("a secret could not be encrypted".to_owned()))?;
        Ok(format!(
            "{FORMAT}:{}:{}",
            self.key_id,
            STANDARD.encode([nonce.as_slice(), &sealed].concat())
        ))
    }

    /// What was sealed at this place.
    pub fn open(&self, place: &str, stored: &str) -> Result<SecretString> {
        let unreadable = || StoreError::Unreadable(format!("the secret of {place}"));
        let mut parts = stored.splitn(3, ':');
        let (Some(FORMAT), Some(key_id), Some(blob)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unreadable());
        };
        if key_id != self.key_id {
            return Err(StoreError::WrongKey);
        }
        let blob = STANDARD.decode(blob).map_err(|_| unreadable())?;
        let (nonce, sealed) = blob.split_first_chunk::<NONCE_BYTES>().ok_or_else(unreadable)?;
        let plain = self
            .cipher
            .decrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: sealed,
                    aad: place.as_bytes(),
                },
            )
            .map_err(|_| unreadable())?;
        Ok(String::from_utf8(plain).map_err(|_| unreadable())?.into())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::{SecretKey, Secrets};
    use crate::StoreError;

    #[test]
    fn opens_only_at_its_place_and_with_its_key() {
        let secrets = Secrets::new(&SecretKey::generate());
        let sealed = secrets
            .seal("registries|1|password", &"hunter2".into())
            .expect("seals");
        assert!(!sealed.contains("hunter2"));
        assert_eq!(
            secrets
                .open("registries|1|password", &sealed)
                .expect("opens")
                .expose_secret(),
            "hunter2"
        );
        assert!(secrets.open("registries|2|password", &sealed).is_err());
        let other = Secrets::new(&SecretKey::generate());
        assert!(matches!(
            other.open("registries|1|password", &sealed),
            Err(StoreError::WrongKey)
        ));
    }

    #[test]
    fn the_key_file_is_private_and_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret.key");
        assert!(SecretKey::read(&path).expect("looked").is_none());
        let key = SecretKey::generate();
        key.write(&path).expect("written");
        assert!(SecretKey::generate().write(&path).is_err(), "never overwritten");
        let again = SecretKey::read(&path).expect("read").expect("there");
        assert_eq!(key.id(), again.id());
        assert_eq!(
            std::fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            0o600
        );
        std::fs::write(&path, "nonsense").expect("written");
        assert!(SecretKey::read(&path).is_err());
    }
}
