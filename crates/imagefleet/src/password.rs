use anyhow::anyhow;
use imagefleet_api::Passwords;
use rand::RngExt as _;

/// No letters that look like each other: somebody will type it.
const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Twenty of 56 letters are 116 bits.
const LENGTH: usize = 20;

/// A random password.
pub fn generate() -> String {
    let mut random = rand::rng();
    (0..LENGTH)
        .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
        .collect()
}

/// Its hash, as the database keeps it.
pub async fn hash(password: &str) -> anyhow::Result<String> {
    Passwords::default()
        .hash(password)
        .await
        .map_err(|problem| anyhow!("{}", problem.detail()))
}
