use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;
use bytes::Bytes;
use imagefleet_archive::build::{BuiltImage, Tar, docker_archive};

use crate::generate::Random;

/// The image that goes to and fro.
pub const IMAGE: &str = "bench/app:1.0";
/// The same with another layer on top.
pub const CHANGED: &str = "bench/app:1.1";

/// Layers below the topmost.
const LAYERS: u64 = 5;
/// Bytes of one file in a layer.
const FILE: u64 = 4 << 20;
/// Files of the topmost layer, the one that changes.
const TOP_FILES: u64 = 3;

/// Archives of the image in all forms, on disk.
pub struct Archives {
    /// As `docker save` writes it.
    pub plain: PathBuf,
    /// The same through gzip.
    pub gzip: PathBuf,
    /// The image with its topmost layer changed.
    pub changed: PathBuf,
    /// Bytes of the changed layer.
    pub changed_layer: u64,
}

/// Makes the archives in `dir`, or takes those that an earlier run made there. About `mib` MiB, whose content is half
/// noise and half text of a few letters: gzip has something to do, and does not get far.
pub fn make(dir: &Path, mib: u64) -> anyhow::Result<Archives> {
    let folder = dir.join(format!("archives-{mib}"));
    let archives = Archives {
        plain: folder.join("image.tar"),
        gzip: folder.join("image.tar.gz"),
        changed: folder.join("changed.tar"),
        changed_layer: layer(99, TOP_FILES).len() as u64,
    };
    if folder.join("done").exists() {
        return Ok(archives);
    }
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder)?;
    let files = (mib << 20) / FILE / LAYERS;
    let below: Vec<Bytes> = (0..LAYERS).map(|number| layer(number, files)).collect();
    for (reference, top, path) in [(IMAGE, 98, &archives.plain), (CHANGED, 99, &archives.changed)] {
        let mut layers = below.clone();
        layers.push(layer(top, TOP_FILES));
        let image = BuiltImage::new(&[reference], "amd64", layers);
        std::fs::write(path, docker_archive(&[image]))?;
    }
    let status = Command::new("gzip")
        .args(["-k", "-1"])
        .arg(&archives.plain)
        .status()?;
    ensure!(status.success(), "gzip failed");
    std::fs::write(folder.join("done"), "")?;
    Ok(archives)
}

fn layer(seed: u64, files: u64) -> Bytes {
    let mut random = Random::new(seed);
    let mut tar = Tar::new().folder(&format!("layer-{seed}/"));
    for number in 0..files {
        tar = tar.file(&format!("layer-{seed}/{number}"), &content(&mut random));
    }
    tar.finish()
}

fn content(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(usize::try_from(FILE).unwrap_or_default() + 8);
    while (bytes.len() as u64) < FILE {
        let noise = random.next();
        if bytes.len() / 4_096 % 2 == 0 {
            bytes.extend(noise.to_le_bytes());
        } else {
            bytes.extend(noise.to_le_bytes().map(|byte| b'a' + byte % 8));
        }
    }
    bytes.truncate(usize::try_from(FILE).unwrap_or_default());
    bytes
}
