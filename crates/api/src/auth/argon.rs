use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{CustomizedPasswordHasher, PasswordHasher, Result, Version};
use argon2::{Algorithm, Argon2, Block, Params};

/// What is larger than 32 MiB the C library always takes from the system and gives back when it is free (`mallopt(3)`,
/// `M_MMAP_THRESHOLD`). The 19 MiB of a password it would keep after the first time, once for each thread that ever hashed one: thirty
/// logins left a program of 37 MiB with 250. What is beyond those 19 MiB is never touched, and so never there.
const GIVEN_BACK: usize = 33 << 20;

/// [`Argon2`], in memory that goes back to the system.
#[derive(Debug)]
pub struct Argon;

impl CustomizedPasswordHasher<PasswordHash> for Argon {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<Version>,
        params: Params,
    ) -> Result<PasswordHash> {
        let algorithm = algorithm
            .map(Algorithm::try_from)
            .transpose()?
            .unwrap_or_default();
        let version = version
            .map(argon2::Version::try_from)
            .transpose()?
            .unwrap_or_default();
        let blocks = params.block_count();
        let mut memory = Vec::new();
        memory
            .try_reserve_exact(blocks.max(GIVEN_BACK / size_of::<Block>()))
            .map_err(|_| argon2::Error::OutOfMemory)?;
        memory.resize(blocks, Block::default());
        let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(
            password,
            salt,
            &mut output,
            &mut memory,
        )?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&output)?),
        })
    }
}

impl PasswordHasher<PasswordHash> for Argon {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> Result<PasswordHash> {
        self.hash_password_with_params(password, salt, Params::default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, Mutex};

    use argon2::Argon2;
    use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

    use super::Argon;

    #[test]
    fn it_hashes_as_argon2_does() {
        let (password, salt) = (b"correct horse", [7; 16]);
        let ours = Argon.hash_password_with_salt(password, &salt).expect("hashed");
        let theirs = Argon2::default()
            .hash_password_with_salt(password, &salt)
            .expect("hashed");
        assert_eq!(ours.to_string(), theirs.to_string());
        Argon.verify_password(password, &theirs).expect("the same");
        Argon
            .verify_password(b"wrong horse", &theirs)
            .expect_err("another");
    }

    /// KiB of this process that are in memory.
    fn resident() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let words = line.and_then(|rest| rest.split_whitespace().next());
        words.and_then(|word| word.parse().ok()).expect("a number")
    }

    #[test]
    fn no_thread_keeps_the_memory_of_a_password() {
        const THREADS: usize = 6;
        let (one_at_a_time, all_alive) = (Mutex::new(()), Barrier::new(THREADS + 1));
        let before = resident();
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..2 {
                        let _turn = one_at_a_time.lock();
                        Argon.hash_password(b"correct horse").expect("hashed");
                    }
                    all_alive.wait();
                    all_alive.wait();
                });
            }
            all_alive.wait();
            let kept = resident().saturating_sub(before);
            all_alive.wait();
            assert!(kept < 32 << 10, "{kept} KiB are kept");
        });
    }
}
