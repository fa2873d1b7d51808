use imagefleet_model::{ErrorCode, Failure};

use crate::Result;

/// The name of an entry, relative to the archive's root, without `.` parts and a trailing slash. The root itself is empty.
pub(super) fn clean(raw: &[u8], limit: usize) -> Result<String> {
    let name = text(raw, limit)?;
    if name.starts_with('/') {
        return Err(unsafe_name(&name, "its name is absolute"));
    }
    let parts: Vec<&str> = name
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if parts.contains(&"..") {
        return Err(unsafe_name(&name, "its name leaves the archive (..)"));
    }
    Ok(parts.join("/"))
}

/// Where a link leads, relative to the archive's root. Symbolic links start at their own folder, hard links at the root.
pub(super) fn link_target(entry: &str, raw: &[u8], symbolic: bool, limit: usize) -> Result<String> {
    let target = text(raw, limit)?;
    if target.starts_with('/') {
        return Err(unsafe_name(
            entry,
            &format!("it links to the absolute path \"{target}\""),
        ));
    }
    let folder = if symbolic { entry } else { "" };
    join_link(folder, &target).ok_or_else(|| {
        unsafe_name(
            entry,
            &format!("it links to \"{target}\", outside of the archive"),
        )
    })
}

/// The path that `target` means beside `entry` (or below the root, when `entry` is empty); `None` when it leaves the root.
fn join_link(entry: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = entry.split('/').filter(|part| !part.is_empty()).collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn text(raw: &[u8], limit: usize) -> Result<String> {
    if raw.len() > limit {
        let message = format!(
            "an entry's name or link target has {} bytes; at most {limit} are read",
            raw.len()
        );
        return Err(Failure::new(ErrorCode::ArchiveTooComplex, message));
    }
    match std::str::from_utf8(raw) {
        Ok(text) if !text.contains(|c: char| c.is_control()) => Ok(text.to_owned()),
        _ => Err(unsafe_name(
            &raw.escape_ascii().to_string(),
            "its name is not printable text",
        )),
    }
}

fn unsafe_name(entry: &str, why: &str) -> Failure {
    Failure::new(ErrorCode::ArchiveCorrupt, format!("entry \"{entry}\": {why}"))
}
