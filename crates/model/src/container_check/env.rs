use std::collections::BTreeMap;

use super::{Errors, has_control};
use crate::{FieldError, SoftwareForm};

/// More than any program reads; a form beyond it is a mistake.
const MOST_LINES: usize = 10_000;
/// Linux starts no program with a longer line (`MAX_ARG_STRLEN`, with the end's NUL).
const LONGEST_LINE: usize = 131_071;

/// Values may be empty and may have many lines; names may not.
pub fn check(env: &BTreeMap<String, String>, errors: &mut Errors) {
    if env.len() > MOST_LINES {
        errors.push(FieldError::new(
            "env",
            format!("must have at most {MOST_LINES} variables"),
        ));
        return;
    }
    for (name, value) in env {
        if let Some(message) = wrong(name, value) {
            let field = if name.is_empty() {
                "env".to_owned()
            } else {
                format!("env.{}", shown(name))
            };
            errors.push(FieldError::new(field, message));
        }
    }
}

fn wrong(name: &str, value: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("has a variable without a name")
    } else if name.contains('=') {
        Some("must not have an equals sign in its name")
    } else if has_control(name) || name.contains(char::is_whitespace) {
        Some("must not have spaces or control characters in its name")
    } else if value.contains('\0') {
        Some("must not contain a NUL character")
    } else if name.len() + 1 + value.len() > LONGEST_LINE {
        Some("is longer than a program can be started with (128 KiB)")
    } else {
        None
    }
}

/// Labels may hold anything but NUL; their names may not be empty.
pub fn check_labels(labels: &BTreeMap<String, String>, errors: &mut Errors) {
    for (name, value) in labels {
        if name.trim().is_empty() {
            errors.push(FieldError::new("labels", "has a label without a name"));
        } else if has_control(name) {
            errors.push(FieldError::new(
                format!("labels.{}", shown(name)),
                "must not have control characters in its name",
            ));
        } else if value.contains('\0') {
            errors.push(FieldError::new(
                format!("labels.{name}"),
                "must not contain a NUL character",
            ));
        }
    }
}

pub fn check_required(env: &BTreeMap<String, String>, form: &SoftwareForm) -> Result<(), Vec<FieldError>> {
    let filled = |name: &str| env.get(name).is_some_and(|value| !value.trim().is_empty());
    let errors: Vec<FieldError> = form
        .env
        .iter()
        .filter(|known| known.required && !filled(&known.name))
        .filter(|known| env.contains_key(&known.name) || known.value.is_empty())
        // The images' own convention: the value lies in a file.
        .filter(|known| !filled(&format!("{}_FILE", known.name)))
        .filter(|known| !known.unless.iter().any(|other| filled(other)))
        .map(|known| {
            let message = if known.description.is_empty() {
                "is required by this software and must not be empty".to_owned()
            } else {
                format!(
                    "is required by this software and must not be empty: {}",
                    known.description
                )
            };
            FieldError::new(format!("env.{}", known.name), message)
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// A wrong name, short and without what would garble a line.
fn shown(name: &str) -> String {
    let clean = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    clean.take(80).collect()
}
