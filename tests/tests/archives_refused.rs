//! Wrong archives through the API: each is refused before anything is loaded, with a code, a sentence and a hint, and
//! the rest of the program goes on. What each of them looks like inside is tested in `crates/archive`.

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use imagefleet_archive::build::{BuiltImage, Tar, oci_layout};
use imagefleet_archive::{Compression, compress};
use imagefleet_engine::fake::FakeEngine;
use imagefleet_operations::reconcilers;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client};
use imagefleet_tests::archives::image;
use serde_json::{Value, json};

const MONITOR: &str = "/api/monitor/system-soft-image/import";

async fn packed(bytes: &[u8], compression: Compression) -> Vec<u8> {
    let whole = stream::once(std::future::ready(Ok(Bytes::copy_from_slice(bytes)))).boxed();
    let chunks: Vec<Bytes> = compress(whole, compression).try_collect().await.expect("packed");
    chunks.concat()
}

fn app_image() -> BuiltImage {
    image(&["team/app:1"], &[1, 2], 3000)
}

/// The image's archive, with these entries before it.
fn behind(more: impl FnOnce(Tar) -> Tar) -> Vec<u8> {
    let built = app_image();
    let manifest = json!([{"Config": "c.json", "RepoTags": ["team/app:1"], "Layers": ["a.tar", "b.tar"]}]);
    let tar = more(Tar::new())
        .file("a.tar", &built.layers[0])
        .file("b.tar", &built.layers[1])
        .file("c.json", &built.config)
        .file("manifest.json", manifest.to_string().as_bytes());
    tar.finish().to_vec()
}

/// The same with other layers in its manifest.
fn naming(layers: [&str; 2]) -> Vec<u8> {
    let built = app_image();
    let manifest = json!([{"Config": "c.json", "RepoTags": ["team/app:1"], "Layers": layers}]);
    Tar::new()
        .file("a.tar", &built.layers[0])
        .file("b.tar", &built.layers[1])
        .file("c.json", &built.config)
        .file("manifest.json", manifest.to_string().as_bytes())
        .finish()
        .to_vec()
}

/// Name, bytes, and the code that they are refused with.
async fn wrong_ones() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = behind(|tar| tar);
    let gzip = packed(&good, Compression::Gzip).await;
    let zstd = packed(&good, Compression::Zstd).await;
    let mut lying = oci_layout(&[app_image()]).to_vec();
    let marker = app_image().layers[0].slice(600..640);
    let at = lying.windows(40).position(|bytes| bytes == &marker[..]);
    lying[at.expect("the layer is there")] ^= 1;
    let mut broken = gzip.clone();
    let end = broken.len() - 6;
    broken[end] ^= 1;
    let long = "n".repeat(2000);
    vec![
        ("empty", Vec::new(), "not_an_archive"),
        ("text", b"hello ".repeat(500), "not_an_archive"),
        (
            "text in gzip",
            packed(&[b'x'; 2000], Compression::Gzip).await,
            "not_an_archive",
        ),
        (
            "another tar",
            Tar::new().file("etc/hosts", b"x").finish().to_vec(),
            "not_an_archive",
        ),
        ("half", good[..good.len() / 2].to_vec(), "archive_truncated"),
        ("half gzip", gzip[..gzip.len() / 2].to_vec(), "archive_truncated"),
        ("half zstd", zstd[..zstd.len() / 2].to_vec(), "archive_truncated"),
        ("damaged gzip", broken, "archive_corrupt"),
        (
            "parent",
            behind(|tar| tar.file("../evil", b"x")),
            "archive_corrupt",
        ),
        (
            "absolute",
            behind(|tar| tar.file("/etc/cron.d/x", b"x")),
            "archive_corrupt",
        ),
        (
            "link out",
            behind(|tar| tar.symlink("l", "/etc/passwd")),
            "archive_corrupt",
        ),
        (
            "twice",
            behind(|tar| tar.file("a.tar", b"other")),
            "archive_corrupt",
        ),
        ("missing layer", naming(["a.tar", "z.tar"]), "archive_corrupt"),
        ("swapped layers", naming(["b.tar", "a.tar"]), "archive_corrupt"),
        ("lying digest", lying, "archive_corrupt"),
        (
            "zeros without end",
            packed(&[&good[..], &vec![0; 70 << 20]].concat(), Compression::Zstd).await,
            "archive_corrupt",
        ),
        (
            "long name",
            behind(|tar| tar.file(&long, b"x")),
            "archive_too_complex",
        ),
        (
            "huge manifest",
            Tar::new()
                .file("manifest.json", &vec![b' '; 5 << 20])
                .finish()
                .to_vec(),
            "archive_too_complex",
        ),
        ("many entries", many_entries(), "archive_too_complex"),
    ]
}

fn many_entries() -> Vec<u8> {
    let one = Tar::new().file("f0000000", b"").finish()[..512].to_vec();
    let base: u32 = one.iter().map(|byte| u32::from(*byte)).sum::<u32>()
        - one[148..156].iter().map(|byte| u32::from(*byte)).sum::<u32>()
        - 7 * u32::from(b'0');
    let mut bytes = Vec::with_capacity(512 * 100_002);
    for at in 0..100_001 {
        let name = format!("f{at:07}");
        let mut header = one.clone();
        header[..8].copy_from_slice(name.as_bytes());
        let own: u32 = name.bytes().skip(1).map(u32::from).sum();
        let sum = base + own + 8 * u32::from(b' ');
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend(header);
    }
    bytes
}

fn form(server: i64, file: &[u8]) -> Vec<u8> {
    let head = format!(
        "--X\r\nContent-Disposition: form-data; name=\"serverId\"\r\n\r\n{server}\r\n\
         --X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.tar\"\r\n\r\n"
    );
    [head.as_bytes(), file, b"\r\n--X--\r\n"].concat()
}

async fn server(app: &App, admin: &Client<'_>, engine: FakeEngine) -> i64 {
    app.engines.put("unix:///run/one.sock", engine);
    let body = json!({"name": "机房一", "endpoint": "unix:///run/one.sock"});
    let added = admin.post("/servers", body).await;
    let id = added.body["id"].as_i64().expect("an id");
    let path = format!("/servers/{id}");
    admin
        .until(&path, |server| server["lastSyncAt"].is_string())
        .await;
    id
}

#[tokio::test]
async fn nothing_wrong_is_loaded() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let engine = FakeEngine::seeded(1, 1);
    let server = server(&app, &admin, engine.clone()).await;
    let typed = [("content-type", "multipart/form-data; boundary=X")];
    for (name, bytes, code) in wrong_ones().await {
        let upload = admin.upload(bytes.clone()).await;
        let body = json!({"uploadId": upload, "serverIds": [server], "force": true});
        let mut answers = vec![admin.get(&format!("/uploads/{upload}/archive")).await];
        // These take a while to look through; once is enough.
        let large = ["many entries", "zeros without end"].contains(&name);
        if !large {
            answers.push(admin.post("/images/import", body).await);
        }
        for refused in answers {
            assert_eq!((refused.status.as_u16(), refused.code()), (422, code), "{name}");
            for told in ["detail", "hint"] {
                assert!(
                    !refused.body[told].as_str().unwrap_or_default().is_empty(),
                    "{name}: {told}"
                );
            }
        }
        let gone = admin.delete(&format!("/uploads/{upload}")).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        if large {
            continue;
        }
        let refused = admin.raw("POST", MONITOR, &typed, form(server, &bytes)).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (422, code),
            "{name}"
        );
        let envelope: Value = serde_json::from_slice(&refused.bytes).expect("JSON");
        assert!(
            envelope["success"] == false && envelope["data"].is_null(),
            "{name}: {envelope}"
        );
    }
    assert_eq!(engine.image_count(), 1);
    let operations = admin.get("/operations?kind=import_image").await;
    assert_eq!(operations.body["total"], 0);
    admin.until("/uploads", |uploads| uploads["total"] == 0).await;

    // And what is right goes on as ever.
    let upload = admin.upload(behind(|tar| tar)).await;
    let body = json!({"uploadId": upload, "serverIds": [server]});
    let done = admin.end_of(&admin.post("/images/import", body).await).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    app.stop().await;
}

#[tokio::test]
async fn an_export_has_a_name_for_people_and_a_time_when_it_ends() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let server = server(&app, &admin, FakeEngine::seeded(1, 2)).await;
    let begun = admin
        .post(
            "/images/export",
            json!({"serverId": server, "compression": "zstd"}),
        )
        .await;
    let done = admin.end_of(&begun).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    let step = &done["steps"][0];
    assert_eq!(
        (&step["progress"], &step["bytesDone"]),
        (&json!(100), &step["bytesTotal"])
    );
    let path = step["result"]["filePath"].as_str().expect("a path");
    let head = admin.raw("HEAD", path, &[], Body::empty()).await;
    let disposition = head.header("content-disposition");
    assert!(
        disposition.starts_with("attachment; filename=\"____2-images_"),
        "{disposition}"
    );
    assert!(
        disposition.contains("filename*=UTF-8''%E6%9C%BA%E6%88%BF%E4%B8%80_2-images_"),
        "{disposition}"
    );
    assert!(disposition.ends_with(".tar.zst"), "{disposition}");
    assert_eq!(head.header("content-type"), "application/zstd");
    for several in ["bytes=0-1,4-5", "bytes=4-2", "bytes=x"] {
        let answer = admin.raw("GET", path, &[("range", several)], Body::empty()).await;
        assert_eq!(answer.status, StatusCode::OK, "{several}");
        assert_eq!(answer.header("content-range"), "", "{several}");
    }

    // Its time ends before the sweep comes by.
    app.at.pass(7 * 24 * 3600 + 1);
    let admin = app.login("admin").await;
    for (method, path) in [
        ("GET", path.to_owned()),
        ("HEAD", path.to_owned()),
        ("GET", path.replace("/file", "")),
    ] {
        let gone = admin.raw(method, &path, &[], Body::empty()).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    assert_eq!(admin.get("/exports").await.body["total"], 0);
    let files = || std::fs::read_dir(app.archives.path().join("exports")).map_or(0, Iterator::count);
    assert_eq!(files(), 1);
    reconcilers::sweep(app.operations.deps()).await.expect("swept");
    assert_eq!(files(), 0);
    app.stop().await;
}

#[tokio::test]
async fn an_export_that_is_awaited_is_not_gone() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let server = server(&app, &admin, FakeEngine::seeded(1, 1)).await;
    let typed = [("content-type", "application/json")];
    let path = "/api/monitor/system-soft-image/export";
    for _ in 0..5 {
        let body = json!({"serverId": server}).to_string();
        let begun = admin.raw("POST", path, &typed, body).await;
        let begun: Value = serde_json::from_slice(&begun.bytes).expect("JSON");
        let file = begun["data"]["filePath"].as_str().expect("a path");
        loop {
            let answer = admin.raw("GET", file, &[], Body::empty()).await;
            if answer.status == StatusCode::OK {
                break;
            }
            assert_eq!(
                (
                    answer.status,
                    answer.code().as_str(),
                    answer.header("retry-after")
                ),
                (StatusCode::CONFLICT, "export_unavailable", "2")
            );
        }
    }
    let unknown = format!("/exports/{}", "0".repeat(32));
    assert_eq!(admin.get(&unknown).await.status, StatusCode::NOT_FOUND);
    app.stop().await;
}
