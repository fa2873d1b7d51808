use super::{Errors, has_control, is_name};
use crate::{FieldError, Mount};

pub fn check(volumes: &[Mount], errors: &mut Errors) {
    for (at, volume) in volumes.iter().enumerate() {
        if let Some(message) = wrong_source(&volume.source) {
            errors.push(FieldError::new(format!("volumes[{at}].source"), message));
        }
        let target = format!("volumes[{at}].target");
        if let Some(message) = wrong_target(&volume.target) {
            errors.push(FieldError::new(target, message));
        } else if let Some(first) = volumes[..at]
            .iter()
            .position(|other| same_path(&other.target, &volume.target))
        {
            errors.push(FieldError::new(
                target,
                format!("is the same path as that of volumes[{first}]"),
            ));
        }
    }
}

fn wrong_source(source: &str) -> Option<&'static str> {
    if source.is_empty() {
        Some("is required: an absolute path on the server, or the name of a volume")
    } else if source.starts_with('/') {
        wrong_path(source)
    } else if is_name(source) {
        None
    } else {
        Some("must be an absolute path on the server, or the name of a volume")
    }
}

fn wrong_target(target: &str) -> Option<&'static str> {
    if target.is_empty() {
        Some("is required: an absolute path in the container")
    } else if !target.starts_with('/') {
        Some("must be an absolute path")
    } else if target.split('/').all(|part| part.is_empty() || part == ".") {
        Some("must not be the container's root")
    } else {
        wrong_path(target)
    }
}

fn wrong_path(path: &str) -> Option<&'static str> {
    if has_control(path) {
        Some("must not have control characters")
    } else if path.split('/').any(|part| part == "..") {
        Some("must not go up with ..")
    } else {
        None
    }
}

/// `/data/` is `/data`.
fn same_path(one: &str, other: &str) -> bool {
    let parts = |path: &'_ str| -> Vec<String> {
        path.split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .map(ToOwned::to_owned)
            .collect()
    };
    parts(one) == parts(other)
}
