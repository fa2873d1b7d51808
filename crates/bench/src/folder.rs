use std::path::{Path, PathBuf};

/// A folder of that name with nothing in it.
pub fn empty(dir: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = dir.join(name);
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// A folder for a lab: outside the tree, because the path of a socket may not be long.
pub fn short(name: &str) -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("imagefleet-bench-{name}"));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
