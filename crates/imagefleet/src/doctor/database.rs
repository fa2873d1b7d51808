use std::path::Path;

use imagefleet_store::{Store, StoreError};

use super::mib;
use super::report::Finding;
use crate::folder;
use crate::settings::{Data, Settings};

const WHAT: &str = "database";
/// What a migration or a busy day may need.
const LITTLE: u64 = 512 << 20;
/// With less, the next changes may be refused already.
const NOTHING: u64 = 16 << 20;

/// Schema, key, integrity and disk; whether the rest of it can be read.
pub async fn look(settings: &Settings, store: &Store, has_key: bool) -> (bool, Vec<Finding>) {
    let mut findings = Vec::new();
    let schema = match store.schema().await {
        Ok(schema) => schema,
        Err(error) => return (false, vec![unreadable(&error)]),
    };
    if !schema.unknown.is_empty() {
        findings.push(Finding::problem(
            WHAT,
            format!(
                "a newer imagefleet has written to it ({})",
                schema.unknown.join(", ")
            ),
            "Run that version or a newer one; an older one is refused.",
        ));
        return (false, findings);
    }
    if schema.missing.is_empty() {
        findings.push(Finding::ok(
            WHAT,
            format!("it answers, its schema is up to date ({})", schema.applied.len()),
        ));
    } else {
        findings.push(Finding::warning(
            WHAT,
            format!(
                "its schema is older than this program ({} is missing)",
                schema.missing.join(", ")
            ),
            "Make a backup; the next start of this program brings it up to date.",
        ));
    }
    let mut usable = schema.missing.is_empty();
    match (store.key_belongs().await, has_key) {
        (Ok(true), true) => findings.push(Finding::ok("secret key", "it is the one of this database")),
        // A database without a word of a key: the first start makes one.
        (Ok(true), false) => {}
        (Ok(false), _) => {
            usable = false;
            let message = if has_key {
                "it is not the one that this database was written with"
            } else {
                "the one that this database was written with is missing"
            };
            findings.push(Finding::problem(
                "secret key",
                message,
                "Put back the key file that was saved together with the database (secret_key_file), mode 0600: the \
                 program does not start without it, and nothing else opens the secrets inside.",
            ));
        }
        (Err(error), _) => findings.push(unreadable(&error)),
    }
    match store.corruption().await {
        Ok(None) => {}
        Ok(Some(words)) => findings.push(Finding::problem(
            WHAT,
            format!("its file is damaged: {words}"),
            "Stop the program, keep a copy of the file, and restore the last backup.",
        )),
        Err(error) => findings.push(unreadable(&error)),
    }
    if let Some(file) = settings.data.sqlite_file() {
        findings.extend(writable(&settings.data, file));
        findings.extend(fs4::available_space(folder::of(file)).ok().map(room));
    }
    (usable, findings)
}

/// Whether this user may write the file and beside it, where its log and lock lie.
fn writable(data: &Data, file: &Path) -> Option<Finding> {
    let beside = folder::of(file);
    let opened = std::fs::OpenOptions::new().append(true).open(file).map(drop);
    let tried = if beside == data.directory {
        // Looked at already.
        opened
    } else {
        opened.and_then(|()| folder::try_writing(beside))
    };
    let error = tried.err()?;
    Some(Finding::problem(
        WHAT,
        format!(
            "{} or its directory cannot be written to: {error}",
            file.display()
        ),
        "Give both to the user that the program runs as, and run this as that user.",
    ))
}

fn room(free: u64) -> Finding {
    let message = format!("{} are free on its disk", mib(free));
    let advice = "Free some room: a database that cannot write refuses every change.";
    if free < NOTHING {
        Finding::problem(WHAT, message, advice)
    } else if free < LITTLE {
        Finding::warning(WHAT, message, advice)
    } else {
        Finding::ok(WHAT, message)
    }
}

/// It cannot be opened.
pub fn unreachable(settings: &Settings, error: &StoreError) -> Finding {
    match error {
        StoreError::File { cause, path } if cause.kind() == std::io::ErrorKind::NotFound => {
            not_there(&settings.data, path)
        }
        StoreError::Unreadable(_) => Finding::problem(WHAT, error.to_string(), "Correct --database-url."),
        _ if settings.data.database_url.starts_with("sqlite://") => Finding::problem(
            WHAT,
            error.to_string(),
            "Run this as the user that the program runs as; check the file and its directory.",
        ),
        _ => Finding::problem(
            WHAT,
            error.to_string(),
            "Check that PostgreSQL runs, and the host, port, user, password and name in --database-url.",
        ),
    }
}

fn not_there(data: &Data, path: &str) -> Finding {
    let folder = folder::of(Path::new(path));
    // The data directory is made, no other one is.
    if folder != data.directory
        && let Err(error) = folder::try_writing(folder)
    {
        return Finding::problem(
            WHAT,
            format!("{path} is not there and cannot be made: {error}"),
            "Make its directory for the user that the program runs as, or correct --database-url.",
        );
    }
    Finding::warning(
        WHAT,
        format!("{path} is not there yet"),
        "It is made at the first start; check --data-dir and --database-url when this is not the first.",
    )
}

fn unreadable(error: &StoreError) -> Finding {
    Finding::problem(
        WHAT,
        format!("it cannot be read: {error}"),
        "Check that --database-url names a database of imagefleet.",
    )
}

#[cfg(test)]
mod tests {
    use super::super::report::Health;
    use super::room;

    #[test]
    fn a_full_disk_is_a_problem_and_a_nearly_full_one_a_warning() {
        let told = |mib: u64| room(mib << 20).health;
        assert_eq!([told(0), told(15)], [Health::Problem; 2]);
        assert_eq!([told(16), told(511)], [Health::Warning; 2]);
        assert_eq!(told(512), Health::Ok);
    }
}
