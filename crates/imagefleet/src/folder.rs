use std::io;
use std::path::Path;

use anyhow::Context as _;

/// Makes a folder that nobody else on the machine has anything to look for in; the folders above it too.
pub fn create_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("data directory {}", folder.display()))
}

/// Why nothing can be written into a folder. The rights alone do not tell: the file system may be there to read only.
pub fn try_writing(folder: &Path) -> io::Result<()> {
    let probe = folder.join(".writable");
    std::fs::write(&probe, b"")?;
    // Only the answer matters; another one may have tried at the same moment.
    std::fs::remove_file(&probe).ok();
    Ok(())
}

/// Why a folder that is not there cannot be made.
pub fn try_making(folder: &Path) -> io::Result<()> {
    let mut above = folder.ancestors().skip(1).map(or_here);
    let there = above.find(|folder| folder.exists());
    try_writing(there.unwrap_or(Path::new("/")))
}

/// The folder that a file lies in.
pub fn of(file: &Path) -> &Path {
    or_here(file.parent().unwrap_or(Path::new("/")))
}

fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{of, try_making, try_writing};

    #[test]
    fn what_cannot_be_written_is_told_even_to_root() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(try_writing(folder.path()).is_ok() && try_making(&folder.path().join("a/b")).is_ok());
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0, "nothing is left");
        assert!(try_writing(Path::new("/proc/self")).is_err());
        assert!(try_making(Path::new("/proc/self/a/b")).is_err());
        assert_eq!(of(Path::new("a.db")), Path::new("."));
    }
}
