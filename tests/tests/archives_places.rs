//! Where archives lie: a disk that is full, and a bucket that two programs share.

use std::path::Path;
use std::process::Command;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::{StreamExt as _, stream};
use imagefleet_archive::build::docker_archive;
use imagefleet_engine::fake::FakeEngine;
use imagefleet_model::ErrorCode;
use imagefleet_operations::archives::{ArchivePolicy, ArchiveStore};
use imagefleet_operations::reconcilers;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client, Engines};
use imagefleet_tests::archives::{image, noise};
use serde_json::json;

const UPLOADS: &str = "/api/v1/uploads";

/// A disk of so many MiB; it goes with the test.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None` where nobody may mount one; the machines that run everything may.
    fn new(mib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={mib}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .status()
            .is_ok_and(|status| status.success());
        assert!(
            mounted || std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
            "IMAGEFLEET_LAB_REQUIRED is set, but no disk can be mounted"
        );
        mounted.then_some(Self(folder))
    }

    fn archives(&self, reserve: u64) -> ArchiveStore {
        let policy = ArchivePolicy {
            reserve,
            ..ArchivePolicy::default()
        };
        ArchiveStore::folder(self.0.path(), policy).expect("it opens")
    }

    /// It takes no more memory than is written to it.
    fn grow(&self, mib: u32) {
        let size = format!("remount,size={mib}m");
        let grown = Command::new("mount")
            .args(["-o", &size])
            .arg(self.0.path())
            .status();
        assert!(grown.is_ok_and(|status| status.success()), "the disk grows");
    }

    fn files(&self) -> usize {
        files(self.0.path())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path()).status().ok();
    }
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path()),
            _ => 1,
        })
        .sum()
}

async fn server(engines: &Engines, admin: &Client<'_>, engine: FakeEngine) -> i64 {
    engines.put("unix:///run/one.sock", engine);
    let body = json!({"name": "one", "endpoint": "unix:///run/one.sock"});
    let id = admin.post("/servers", body).await.body["id"]
        .as_i64()
        .expect("an id");
    admin
        .until(&format!("/servers/{id}"), |server| {
            server["lastSyncAt"].is_string()
        })
        .await;
    id
}

/// Files of an upload that breaks go a moment after the answer.
async fn none_left(disk: &Disk) {
    for _ in 0..500 {
        if disk.files() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{} files are left", disk.files());
}

#[tokio::test]
async fn a_disk_that_fills_up_while_an_archive_is_written() {
    let Some(disk) = Disk::new(24) else { return };
    // The reserve is respected when there is one, and without it the disk itself says no.
    for reserve in [12 << 20, 0] {
        let archives = disk.archives(reserve);
        let bytes = stream::iter((0..40).map(|seed| Ok(Bytes::from(noise(seed, 1 << 20))))).boxed();
        let full = archives
            .write("exports/a", bytes)
            .await
            .expect_err("it does not fit");
        assert_eq!(full.code, ErrorCode::NoSpace, "{full}");
        none_left(&disk).await;
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_half_is_left() {
    let Some(disk) = Disk::new(24) else { return };
    let engines = Engines::default();
    let app = App::start_storing(testing::sqlite().await, engines.clone(), disk.archives(1 << 20)).await;
    let admin = app.login("admin").await;
    let server = server(&engines, &admin, FakeEngine::seeded(1, 2)).await;

    let length = (30 << 20).to_string();
    let headers = [("tus-resumable", "1.0.0"), ("upload-length", length.as_str())];
    let refused = admin.raw("POST", UPLOADS, &headers, Body::empty()).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (413, "no_space")
    );

    // Of unknown length: it fills the disk on its way.
    let headers = [("tus-resumable", "1.0.0"), ("upload-defer-length", "1")];
    let begun = admin.raw("POST", UPLOADS, &headers, Body::empty()).await;
    let upload = begun.header("location").to_owned();
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("upload-offset", "0"),
        ("content-type", "application/offset+octet-stream"),
    ];
    let full = admin.raw("PATCH", &upload, &headers, noise(3, 30 << 20)).await;
    assert_eq!((full.status.as_u16(), full.code().as_str()), (507, "no_space"));
    let head = admin.raw("HEAD", &upload, &headers[..1], Body::empty()).await;
    assert_eq!(head.header("upload-offset"), "0");
    none_left(&disk).await;

    // The images of this engine say that they are larger.
    let begun = admin.post("/images/export", json!({"serverId": server})).await;
    let failed = admin.end_of(&begun).await;
    assert_eq!(failed["steps"][0]["error"]["code"], "no_space", "{failed:#}");
    assert!(failed["steps"][0]["error"]["hint"].is_string());
    assert_eq!(admin.get("/exports").await.body["total"], 0);
    none_left(&disk).await;
    disk.grow(1024);
    let retry = format!("/operations/{}/retry", failed["id"].as_str().expect("an id"));
    let done = admin.end_of(&admin.post(&retry, json!({})).await).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    app.stop().await;
}

/// The lab's bucket, under a prefix of this test's own.
fn bucket() -> Option<ArchiveStore> {
    let Ok(endpoint) = std::env::var("IMAGEFLEET_LAB_S3") else {
        assert!(
            std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
            "IMAGEFLEET_LAB_REQUIRED is set, but IMAGEFLEET_LAB_S3 is not"
        );
        return None;
    };
    let variables = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "S3RVER"),
        ("AWS_SECRET_ACCESS_KEY", "S3RVER"),
        // Not for the bucket, whatever `object_store` would make of it.
        ("BUCKET", "another"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let url = format!("s3://lab/some/place/{:016x}", std::process::id());
    Some(ArchiveStore::open(&url, variables, ArchivePolicy::default()).expect("it opens"))
}

#[tokio::test]
async fn two_programs_share_a_bucket() {
    let (Some(archives), Some(at)) = (bucket(), testing::stores().await.into_iter().nth(1)) else {
        return;
    };
    let engines = Engines::default();
    let again = at.again().await;
    let one = App::start_storing(at, engines.clone(), archives.clone()).await;
    let other = App::start_storing(again, engines.clone(), bucket().expect("the same")).await;
    let (here, there) = (one.login("admin").await, other.login("admin").await);
    let server = server(&engines, &here, FakeEngine::seeded(1, 2)).await;

    // Larger than the 8 MiB that one request to the bucket carries.
    let archive = docker_archive(&[image(&["bucket/app:1"], &[1, 2], 6 << 20)]);
    let half = archive.len() / 2;
    let length = archive.len().to_string();
    let offset = half.to_string();
    let common = [
        ("tus-resumable", "1.0.0"),
        ("content-type", "application/offset+octet-stream"),
    ];
    let headers = [&common[..], &[("upload-length", length.as_str())]].concat();
    let begun = here.raw("POST", UPLOADS, &headers, archive.slice(..half)).await;
    assert_eq!(
        (begun.status, begun.header("upload-offset")),
        (StatusCode::CREATED, offset.as_str())
    );
    let upload = begun.header("location").to_owned();
    let head = there.raw("HEAD", &upload, &common[..1], Body::empty()).await;
    assert_eq!(head.header("upload-offset"), offset);
    let headers = [&common[..], &[("upload-offset", offset.as_str())]].concat();
    let sum = [("upload-checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")];
    let wrong = [&headers[..], &sum].concat();
    let refused = there.raw("PATCH", &upload, &wrong, archive.slice(half..)).await;
    assert_eq!(refused.status.as_u16(), 460);
    let rest = there.raw("PATCH", &upload, &headers, archive.slice(half..)).await;
    assert_eq!(
        (rest.status, rest.header("upload-offset")),
        (StatusCode::NO_CONTENT, length.as_str())
    );

    let id = upload.rsplit('/').next().expect("an id");
    let inside = here.get(&format!("/uploads/{id}/archive")).await;
    assert_eq!(
        inside.body["images"][0]["references"],
        json!(["bucket/app:1"]),
        "{inside:?}"
    );
    let body = json!({"uploadId": id, "serverIds": [server]});
    let done = there.end_of(&there.post("/images/import", body).await).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");

    assert_eq!(here.get("/images?q=bucket/app").await.body["total"], 1);
    // What the fake engine was born with: of what it loads it keeps the names alone.
    let listed = here.get("/images").await.body;
    let mut rows = listed["items"].as_array().expect("rows").iter();
    let found = &rows
        .find(|row| row["repository"] != "bucket/app")
        .expect("another")["id"];
    let begun = here.post("/images/export", json!({"imageIds": [found]})).await;
    let done = here.end_of(&begun).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    let path = done["steps"][0]["result"]["filePath"].as_str().expect("a path");
    let whole = there.download(path).await;
    assert_eq!(done["steps"][0]["result"]["size"], whole.len());
    let part = there
        .raw("GET", path, &[("range", "bytes=700-900")], Body::empty())
        .await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert!(part.bytes == whole[700..=900]);

    assert_eq!(archives.ids("exports").await.expect("listed").len(), 1);
    assert_eq!(archives.ids("uploads").await.expect("listed").len(), 1);
    one.at.pass(8 * 24 * 3600);
    reconcilers::sweep(other.operations.deps()).await.expect("swept");
    for kind in ["exports", "uploads"] {
        assert!(
            archives.ids(kind).await.expect("listed").is_empty(),
            "{kind} are left"
        );
    }
    one.stop().await;
    other.stop().await;
}
