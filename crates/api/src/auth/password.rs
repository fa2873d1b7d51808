use std::sync::{Arc, OnceLock};

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use imagefleet_model::ErrorCode;
use tokio::sync::Semaphore;

use super::argon::Argon;
use crate::Problem;

/// Each takes 19 MiB and some 30 ms of a processor: a flood of logins must not take all of both.
const AT_ONCE: usize = 2;
/// Longer ones only cost time.
const MAX_BYTES: usize = 256;
const MIN_CHARS: usize = 8;

/// Hashes and checks passwords with Argon2id, beside the threads that serve requests, few at a time.
#[derive(Debug, Clone)]
pub struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Passwords {
    /// The hash of a new password, in PHC text form, salted by itself.
    pub async fn hash(&self, password: &str) -> Result<String, Problem> {
        let password = password.to_owned();
        self.work(move || hash(&password)).await?
    }

    /// Whether the password is the one of that hash. Without a hash (no such user) it takes as long and says no.
    pub async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool, Problem> {
        let password = password.to_owned();
        self.work(move || {
            let known = hash.is_some();
            let Some(hash) = hash.or_else(|| dummy().cloned()) else {
                return false;
            };
            let matches = PasswordHash::new(&hash)
                .is_ok_and(|parsed| Argon.verify_password(password.as_bytes(), &parsed).is_ok());
            known && matches
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let broken = |_| Problem::new(ErrorCode::Internal, "The password could not be checked.");
        // The permit goes with the work: a client that hangs up does not let the next one begin beside it.
        let permit = Arc::clone(&self.0)
            .acquire_owned()
            .await
            .map_err(|_| Problem::new(ErrorCode::ShuttingDown, "The program is ending."))?;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
        .map_err(broken)
    }
}

fn hash(password: &str) -> Result<String, Problem> {
    Argon
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| {
            tracing::error!(%error, "a password could not be hashed");
            Problem::new(ErrorCode::Internal, "The password could not be stored.")
        })
}

/// A hash that no password has, made once.
fn dummy() -> Option<&'static String> {
    static DUMMY: OnceLock<Option<String>> = OnceLock::new();
    DUMMY.get_or_init(|| hash(&super::new_secret()).ok()).as_ref()
}

/// Refuses a new password that is too short, too long or the user's own name.
pub fn check_new_password(field: &str, password: &str, username: &str) -> Result<(), Problem> {
    if password.chars().count() < MIN_CHARS {
        return Err(Problem::field(
            field,
            format!("must have {MIN_CHARS} characters or more"),
        ));
    }
    if password.len() > MAX_BYTES {
        return Err(Problem::field(
            field,
            format!("must have {MAX_BYTES} bytes or less"),
        ));
    }
    if password.eq_ignore_ascii_case(username) {
        return Err(Problem::field(field, "must not be the user name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Passwords, check_new_password};

    #[tokio::test]
    async fn verifies_its_own_hashes_alone() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse").await.expect("hashed");
        assert!(hash.starts_with("$argon2id$") && !hash.contains("correct"));
        assert_ne!(hash, passwords.hash("correct horse").await.expect("hashed"));
        assert!(
            passwords
                .verify("correct horse", Some(hash.clone()))
                .await
                .expect("checked")
        );
        assert!(
            !passwords
                .verify("wrong horse", Some(hash))
                .await
                .expect("checked")
        );
        assert!(!passwords.verify("correct horse", None).await.expect("checked"));
        assert!(
            !passwords
                .verify("x", Some("nonsense".to_owned()))
                .await
                .expect("checked")
        );
    }

    #[test]
    fn refuses_weak_ones() {
        assert!(check_new_password("password", "long enough", "admin").is_ok());
        for bad in ["short", "", "Somebody", &"x".repeat(300)] {
            assert!(check_new_password("password", bad, "somebody").is_err(), "{bad}");
        }
    }
}
