//! What can be known wrong with a container form before an engine is asked.

mod env;
mod networking;
mod volumes;

use crate::{ContainerSpec, FieldError, RestartPolicyName, SoftwareForm};

/// Longer names than any engine's own.
const LONGEST_NAME: usize = 255;
/// Linux keeps 64 bytes for a host name, the last of them for its end.
const LONGEST_HOSTNAME: usize = 63;
/// Under this an engine refuses to create a container.
const SMALLEST_MEMORY: i64 = 6 * 1024 * 1024;
/// A hundredth of a processor: the kernel gives no smaller share.
const SMALLEST_CPUS: i64 = 10_000_000;

/// Gathers what is wrong.
type Errors = Vec<FieldError>;

impl ContainerSpec {
    /// Whether the form can be right at all: every field that cannot is named as the native API spells it.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Errors::new();
        self.check_names(&mut errors);
        self.check_restart(&mut errors);
        self.check_limits(&mut errors);
        self.check_process(&mut errors);
        networking::check(self, &mut errors);
        env::check(&self.env, &mut errors);
        env::check_labels(&self.labels, &mut errors);
        volumes::check(&self.volumes, &mut errors);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// What is allowed, but not what people expect.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.network_mode == "host" && !self.ports.is_empty() {
            remarks.push(
                "With the host's network no port is published: the container listens on the server itself."
                    .to_owned(),
            );
        }
        remarks
    }

    /// Whether everything is there that a catalogue entry requires: an empty value is an error, and so is a missing
    /// one that the entry cannot offer itself.
    pub fn check_required(&self, form: &SoftwareForm) -> Result<(), Vec<FieldError>> {
        env::check_required(&self.env, form)
    }

    fn check_names(&self, errors: &mut Errors) {
        if self.name.is_empty() {
            errors.push(FieldError::new("name", "is required"));
        } else if !is_name(&self.name) || self.name.len() > LONGEST_NAME {
            errors.push(FieldError::new(
                "name",
                "must have 2 to 255 letters, digits, underscores, dots or hyphens, and begin with a letter or digit",
            ));
        }
        if let Some(hostname) = given(self.hostname.as_ref())
            && !is_hostname(hostname)
        {
            errors.push(FieldError::new(
                "hostname",
                "must have at most 63 letters, digits, hyphens or dots, and begin and end with a letter or digit",
            ));
        }
    }

    fn check_restart(&self, errors: &mut Errors) {
        let policy = &self.restart_policy;
        match policy.maximum_retry_count {
            Some(count) if !(0..=i64::from(i32::MAX)).contains(&count) => {
                errors.push(FieldError::new(
                    "restartPolicy.maximumRetryCount",
                    "must be 0 or more",
                ));
            }
            Some(count) if count > 0 && policy.name != RestartPolicyName::OnFailure => {
                errors.push(FieldError::new(
                    "restartPolicy.maximumRetryCount",
                    "goes with the restart policy on-failure only",
                ));
            }
            _ => {}
        }
        if self.auto_remove && policy.name != RestartPolicyName::No {
            errors.push(FieldError::new(
                "autoRemove",
                "goes with the restart policy no only: a container that is removed cannot be started again",
            ));
        }
    }

    fn check_limits(&self, errors: &mut Errors) {
        if self.memory_bytes.is_some_and(|bytes| bytes < SMALLEST_MEMORY) {
            errors.push(FieldError::new("memoryBytes", "must be at least 6291456 (6 MiB)"));
        }
        if self.nano_cpus.is_some_and(|cpus| cpus < SMALLEST_CPUS) {
            errors.push(FieldError::new(
                "nanoCpus",
                "must be at least 10000000 (a hundredth of a processor)",
            ));
        }
    }

    fn check_process(&self, errors: &mut Errors) {
        if let Some(path) = given(self.working_dir.as_ref())
            && (!path.starts_with('/') || has_control(path))
        {
            errors.push(FieldError::new("workingDir", "must be an absolute path"));
        }
        if let Some(user) = given(self.user.as_ref())
            && (user.contains(char::is_whitespace) || has_control(user) || user.starts_with(':'))
        {
            errors.push(FieldError::new("user", "must be a name or number, or user:group"));
        }
        let words = [
            ("command", Some(&self.command)),
            ("entrypoint", self.entrypoint.as_ref()),
        ];
        for (field, words) in words {
            for (at, word) in words.into_iter().flatten().enumerate() {
                if word.contains('\0') {
                    errors.push(FieldError::new(
                        format!("{field}[{at}]"),
                        "must not contain a NUL character",
                    ));
                }
            }
        }
    }
}

/// An optional text; an empty one counts as left out, as forms send it.
fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

fn has_control(text: &str) -> bool {
    text.contains(char::is_control)
}

/// What Docker takes for names of containers, volumes and networks: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() > 1
        && bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// RFC 1123, section 2.1: labels of letters, digits and hyphens, no hyphen at their ends.
fn is_hostname(text: &str) -> bool {
    text.len() <= LONGEST_HOSTNAME
        && text.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

#[cfg(test)]
mod tests;
