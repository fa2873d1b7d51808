//! Wrong archives: each is refused with the code that fits and a sentence that names what is wrong.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use bytes::Bytes;
use imagefleet_archive::build::{
    BuiltImage, LayerPacking, Tar, classic_save, docker_archive, image, oci_layout,
};
use imagefleet_archive::{Limits, inspect};
use rstest::rstest;
use serde_json::json;
use support::{gzip, pieces, read, zstd};

fn built() -> BuiltImage {
    image(&["app:1"], &[b"base", b"top"])
}

/// A docker-archive of [`built`], with more entries before its manifest.
fn with(more: impl FnOnce(Tar) -> Tar) -> Bytes {
    let built = built();
    let tar = Tar::new()
        .file("a.tar", &built.layers[0])
        .file("b.tar", &built.layers[1])
        .file("config.json", &built.config);
    let manifest = json!([{"Config": "config.json", "RepoTags": ["app:1"], "Layers": ["a.tar", "b.tar"]}]);
    more(tar)
        .file("manifest.json", manifest.to_string().as_bytes())
        .finish()
}

fn manifest(value: &serde_json::Value) -> Bytes {
    let built = built();
    let tar = Tar::new()
        .file("a.tar", &built.layers[0])
        .file("b.tar", &built.layers[1])
        .file("config.json", &built.config);
    tar.file("manifest.json", value.to_string().as_bytes()).finish()
}

#[tokio::test]
async fn the_pattern_itself_is_right() {
    assert_eq!(read(&with(|tar| tar)).await.unwrap().references(), ["app:1"]);
}

#[rstest]
#[case::empty(Bytes::new(), "empty")]
#[case::short(Bytes::from_static(b"PK"), "short")]
#[case::page(Bytes::from("<!doctype html>".repeat(100)), "begin like a tar")]
#[case::noise(Bytes::from((0..5000_u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect::<Vec<_>>()), "begin like a tar")]
#[case::empty_tar(Tar::new().finish(), "empty tar")]
#[case::other_tar(Tar::new().file("etc/passwd", b"root").finish(), "neither manifest.json nor index.json")]
#[case::gzipped_text(gzip(&b"hello".repeat(1000)), "begin like a tar")]
#[case::xz(Bytes::from_static(&[0xfd, b'7', b'z', b'X', b'Z', 0, 1, 2, 3]), "xz")]
#[case::zip(Bytes::from_static(b"PK\x03\x04 and so on"), "zip")]
#[tokio::test]
async fn what_is_no_archive(#[case] bytes: Bytes, #[case] says: &str) {
    refused(&bytes, "not_an_archive", says).await;
}

#[rstest]
#[case::parent(with(|tar| tar.file("../evil", b"x")), "../evil")]
#[case::inner_parent(with(|tar| tar.file("a/../../evil", b"x")), "a/../../evil")]
#[case::absolute(with(|tar| tar.file("/etc/passwd", b"x")), "/etc/passwd")]
#[case::control(with(|tar| tar.file("a\nb", b"x")), "printable")]
#[case::symlink_out(with(|tar| tar.symlink("l", "../../etc/passwd")), "outside")]
#[case::symlink_absolute(with(|tar| tar.symlink("l", "/etc/passwd")), "absolute")]
#[case::hard_link_out(with(|tar| tar.hard_link("a/l", "../x")), "outside")]
#[case::twice(with(|tar| tar.file("a.tar", b"other")), "\"a.tar\" is there twice")]
#[case::link_over_file(with(|tar| tar.symlink("a.tar", "b.tar")), "\"a.tar\" is there twice")]
#[case::file_over_link(with(|tar| tar.symlink("l", "b.tar").file("l", b"x")), "\"l\" is there twice")]
#[case::device(with(|tar| tar.raw(&kind(b'3'))), "device")]
#[case::pipe(with(|tar| tar.raw(&kind(b'6'))), "pipe")]
#[case::sparse(with(|tar| tar.raw(&kind(b'S'))), "sparse")]
#[case::odd(with(|tar| tar.raw(&kind(b'Z'))), "unknown kind")]
#[case::damaged(with(|tar| tar.raw(&[7; 512])), "is damaged")]
#[case::config_missing(manifest(&json!([{"Config": "c.json", "Layers": ["a.tar", "b.tar"]}])), "config \"c.json\" is missing")]
#[case::layer_missing(manifest(&json!([{"Config": "config.json", "Layers": ["a.tar", "x.tar"]}])), "layer \"x.tar\"")]
#[case::layer_left_out(manifest(&json!([{"Config": "config.json", "Layers": ["a.tar"]}])), "names 2 layers, its manifest 1")]
#[case::layers_swapped(manifest(&json!([{"Config": "config.json", "Layers": ["b.tar", "a.tar"]}])), "layer \"b.tar\" is not the one")]
#[case::config_is_layer(manifest(&json!([{"Config": "a.tar", "Layers": []}])), "\"a.tar\" is named as a config")]
#[case::no_images(manifest(&json!([])), "names no image")]
#[case::null_images(manifest(&json!(null)), "names no image")]
#[case::not_a_list(manifest(&json!({"Config": 1})), "manifest.json cannot be read")]
#[case::bad_reference(manifest(&json!([{"Config": "config.json", "RepoTags": ["A b"], "Layers": ["a.tar", "b.tar"]}])), "\"A b\"")]
#[case::null_index(Tar::new().file("oci-layout", b"{}").file("index.json", br#"{"manifests":null}"#).finish(), "names no manifest")]
#[case::null_index_beside(with(|tar| tar.file("index.json", br#"{"manifests":null}"#)), "names no manifest")]
#[case::lying_blob(with(|tar| tar.file(&format!("blobs/sha256/{}", "0".repeat(64)), b"x")), "lies about its content")]
#[case::lying_config(with(|tar| tar.file(&format!("{}.json", "0".repeat(64)), b"{}")), "lies about its content")]
#[case::two_tars([with(|tar| tar), with(|tar| tar)].concat().into(), "follows the end")]
#[case::wrong_gzip(broken(&gzip(&with(|tar| tar))), "gzip data is damaged")]
#[case::wrong_zstd(broken(&zstd(&with(|tar| tar))), "zstd data is damaged")]
#[tokio::test]
async fn what_is_damaged_or_unsafe(#[case] bytes: Bytes, #[case] says: &str) {
    refused(&bytes, "archive_corrupt", says).await;
}

#[tokio::test]
async fn a_layout_without_one_of_its_blobs() {
    let built = built().packed(LayerPacking::Gzip);
    let whole = oci_layout(std::slice::from_ref(&built));
    for blob in built
        .blobs()
        .into_iter()
        .chain([built.config.clone(), built.manifest()])
    {
        refused(&without(&whole, &blob), "archive_corrupt", "is missing").await;
    }
}

#[tokio::test]
async fn a_compressed_layer_that_does_not_inflate() {
    let mut built = built();
    let honest = gzip(&built.layers[1]);
    built.layers[1] = honest.slice(..honest.len() - 4);
    refused(&docker_archive(&[built]), "archive_corrupt", "does not inflate").await;
}

#[rstest]
#[case::plain(|bytes: &[u8]| Bytes::copy_from_slice(bytes))]
#[case::gzip(gzip)]
#[case::zstd(zstd)]
#[tokio::test]
async fn an_end_too_early_is_never_taken_for_whole(#[case] pack: fn(&[u8]) -> Bytes) {
    let whole = pack(&classic_save(&[built()]));
    for length in 0..whole.len() {
        let failure = read(&whole.slice(..length)).await.unwrap_err();
        let code = failure.code.as_str();
        assert!(
            ["archive_truncated", "not_an_archive"].contains(&code),
            "{length}: {failure}"
        );
        if length > 1024 {
            assert_eq!(code, "archive_truncated", "{length}: {failure}");
        }
    }
    read(&whole).await.unwrap();
}

#[tokio::test]
async fn caps() {
    let archive = with(|tar| (0..20).fold(tar, |tar, at| tar.file(&format!("f{at}"), b"{\"manifests\":[]}")));
    let limits = Limits::default;
    for (limits, says) in [
        (
            Limits {
                entries: 10,
                ..limits()
            },
            "more than 10 entries",
        ),
        (
            Limits {
                name_bytes: 5,
                ..limits()
            },
            "at most 5 are read",
        ),
        (
            Limits {
                document_bytes: 10,
                ..limits()
            },
            "manifest.json has",
        ),
        (
            Limits {
                documents_bytes: 300,
                ..limits()
            },
            "more than 300 bytes together",
        ),
    ] {
        let failure = inspect(pieces(&archive, 1000), &limits).await.unwrap_err();
        assert_eq!(failure.code.as_str(), "archive_too_complex", "{failure}");
        assert!(failure.message.contains(says), "{failure}");
    }
    inspect(pieces(&archive, 1000), &limits()).await.unwrap();
}

#[tokio::test]
async fn a_config_or_layer_that_is_a_bomb() {
    let mut built = built();
    let limits = Limits {
        document_bytes: 1000,
        inflated_bytes: 1 << 20,
        ..Limits::default()
    };
    built.config = format!("{}{}", String::from_utf8_lossy(&built.config), " ".repeat(1000)).into();
    let failure = inspect(pieces(&docker_archive(&[built]), 1000), &limits)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.message.contains("at most 1000")),
        ("archive_too_complex", true),
        "{failure}"
    );
    for pack in [gzip, zstd] {
        let bomb = with(|tar| tar.file("bomb", &pack(&vec![0; 4 << 20])));
        let failure = inspect(pieces(&bomb, 1000), &limits).await.unwrap_err();
        assert!(failure.message.contains("inflates to more"), "{failure}");
    }
}

#[tokio::test]
async fn zeros_behind_the_end() {
    let padded = |mib: usize| -> Bytes { [&with(|tar| tar)[..], &vec![0; mib << 20]].concat().into() };
    read(&padded(3)).await.unwrap();
    refused(&gzip(&padded(65)), "archive_corrupt", "zeros follow the end").await;
}

#[tokio::test]
async fn endless_indexes() {
    let nested = |inner: &Bytes, times: usize| -> Bytes {
        let one = json!({"digest": digest(inner), "size": inner.len()});
        json!({"manifests": vec![one; times]}).to_string().into()
    };
    let mut blobs = vec![Bytes::from_static(b"{\"manifests\":[]}")];
    for _ in 0..4 {
        blobs.push(nested(blobs.last().unwrap(), 50));
    }
    let mut tar = Tar::new();
    for blob in &blobs {
        tar = tar.file(&format!("blobs/sha256/{}", &digest(blob)[7..]), blob);
    }
    let archive = tar.file("index.json", &nested(blobs.last().unwrap(), 1)).finish();
    refused(&archive, "archive_too_complex", "its indexes").await;
}

#[tokio::test]
async fn links_in_a_ring_lead_nowhere() {
    let built = built();
    let manifest = json!([{"Config": "config.json", "Layers": ["x", "y"]}]);
    let archive = Tar::new()
        .file("config.json", &built.config)
        .symlink("x", "y")
        .symlink("y", "x")
        .file("manifest.json", manifest.to_string().as_bytes())
        .finish();
    refused(&archive, "archive_corrupt", "layer \"x\"").await;
}

async fn refused(bytes: &Bytes, code: &str, says: &str) {
    let failure = read(bytes).await.unwrap_err();
    assert_eq!(failure.code.as_str(), code, "{failure}");
    assert!(failure.message.contains(says), "{failure}");
}

/// The archive without the entry that has this content.
fn without(archive: &Bytes, content: &Bytes) -> Bytes {
    let at = archive
        .windows(content.len())
        .position(|window| window == content)
        .unwrap();
    let from = at - 512;
    let to = at + content.len().next_multiple_of(512);
    [&archive[..from], &archive[to..]].concat().into()
}

/// Another checksum at the end.
fn broken(bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    for byte in bytes.iter_mut().rev().take(8) {
        *byte ^= 0xff;
    }
    bytes.into()
}

/// An empty entry of this kind.
fn kind(flag: u8) -> [u8; 512] {
    let mut header: [u8; 512] = Tar::new().file("odd", b"").finish()[..512].try_into().unwrap();
    header[156] = flag;
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
