use std::path::Path;

use imagefleet_store::{Store, StoreError};

use super::mib;
use super::report::Finding;
use crate::settings::Settings;

const WHAT: &str = "database";
/// What a migration or a busy day may need.
const LITTLE: u64 = 512 << 20;

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
    if has_key {
        match store.key_belongs().await {
            Ok(true) => findings.push(Finding::ok("secret key", "it is the one of this database")),
            Ok(false) => findings.push(Finding::problem(
                "secret key",
                "it is not the one that this database was written with",
                "Start with the key file that was saved together with the database (secret_key_file).",
            )),
            Err(error) => findings.push(unreadable(&error)),
        }
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
    findings.extend(disk(settings));
    (schema.missing.is_empty(), findings)
}

fn disk(settings: &Settings) -> Option<Finding> {
    let path = settings.data.database_url.strip_prefix("sqlite://")?;
    let folder = Path::new(path.split('?').next()?).parent()?;
    let free = fs4::available_space(folder).ok()?;
    Some(if free < LITTLE {
        Finding::warning(
            WHAT,
            format!("{} are free on its disk", mib(free)),
            "Free some room: a database that cannot write refuses every change.",
        )
    } else {
        Finding::ok(WHAT, format!("{} are free on its disk", mib(free)))
    })
}

/// It cannot be opened.
pub fn unreachable(settings: &Settings, error: &StoreError) -> Finding {
    match error {
        StoreError::File { source, path } if source.kind() == std::io::ErrorKind::NotFound => {
            Finding::warning(
                WHAT,
                format!("{path} is not there yet"),
                "It is made at the first start; check --data-dir and --database-url when this is not the first.",
            )
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

fn unreadable(error: &StoreError) -> Finding {
    Finding::problem(
        WHAT,
        format!("it cannot be read: {error}"),
        "Check that --database-url names a database of imagefleet.",
    )
}
