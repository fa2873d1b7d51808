//! Archives through the real router, with engines in memory: the tus protocol, downloads in parts, what is refused,
//! and that nothing is left behind.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::{StreamExt as _, stream};
use imagefleet_archive::build::{docker_archive, oci_layout};
use imagefleet_engine::fake::{FakeEngine, Fault, FaultyCall};
use imagefleet_model::GrantServers;
use imagefleet_operations::reconcilers;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client, everywhere, grant};
use imagefleet_tests::archives::{Raw, image, noise};
use serde_json::{Value, json};

const UPLOADS: &str = "/api/v1/uploads";
const MONITOR: &str = "/api/monitor/system-soft-image";

async fn server(app: &App, admin: &Client<'_>, name: &str, engine: FakeEngine) -> i64 {
    let endpoint = format!("unix:///run/{name}.sock");
    app.engines.put(&endpoint, engine);
    let added = admin
        .post("/servers", json!({"name": name, "endpoint": endpoint}))
        .await;
    let id = added.body["id"].as_i64().expect("an id");
    let path = format!("/servers/{id}");
    admin
        .until(&path, |server| {
            server["status"] == "online" && server["lastSyncAt"].is_string()
        })
        .await;
    id
}

async fn begin(client: &Client<'_>, length: usize) -> String {
    let length = length.to_string();
    let headers = [("tus-resumable", "1.0.0"), ("upload-length", length.as_str())];
    let created = client.raw("POST", UPLOADS, &headers, Body::empty()).await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    created.header("location").to_owned()
}

async fn patch(
    client: &Client<'_>,
    path: &str,
    offset: usize,
    more: &[(&str, &str)],
    body: impl Into<Body>,
) -> Raw {
    let offset = offset.to_string();
    let mut headers = vec![
        ("tus-resumable", "1.0.0"),
        ("upload-offset", offset.as_str()),
        ("content-type", "application/offset+octet-stream"),
    ];
    headers.extend(more);
    client.raw("PATCH", path, &headers, body).await
}

async fn offset(client: &Client<'_>, path: &str) -> String {
    let head = client
        .raw("HEAD", path, &[("tus-resumable", "1.0.0")], Body::empty())
        .await;
    assert_eq!(
        (head.status, head.header("cache-control")),
        (StatusCode::OK, "no-store")
    );
    assert_eq!(head.header("tus-resumable"), "1.0.0");
    head.header("upload-offset").to_owned()
}

fn files(app: &App, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![app.archives.path().join(kind)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found
}

/// Files go a moment after what they belonged to.
async fn none_left(app: &App, kind: &str) {
    for _ in 0..500 {
        if files(app, kind).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("left: {:?}", files(app, kind));
}

#[tokio::test]
async fn an_upload_comes_in_pieces() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let options = admin.raw("OPTIONS", UPLOADS, &[], Body::empty()).await;
        assert_eq!(options.status, StatusCode::NO_CONTENT);
        assert_eq!(options.header("tus-version"), "1.0.0");
        assert_eq!(options.header("tus-checksum-algorithm"), "sha1,sha256");
        for extension in ["creation", "termination", "checksum", "expiration"] {
            assert!(
                options
                    .header("tus-extension")
                    .split(',')
                    .any(|word| word == extension)
            );
        }
        assert!(
            options
                .header("tus-max-size")
                .parse::<u64>()
                .is_ok_and(|size| size > 0)
        );

        let upload = begin(&admin, 11).await;
        assert_eq!(offset(&admin, &upload).await, "0");
        let first = patch(&admin, &upload, 0, &[], "hello ").await;
        assert_eq!(
            (first.status, first.header("upload-offset")),
            (StatusCode::NO_CONTENT, "6")
        );
        assert!(first.header("upload-expires").ends_with(" GMT"));
        let again = patch(&admin, &upload, 0, &[], "hello ").await;
        assert_eq!(
            (again.status, again.header("tus-resumable")),
            (StatusCode::CONFLICT, "1.0.0")
        );
        let long = patch(&admin, &upload, 6, &[], "world, and more").await;
        assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
        let chunks = stream::iter(["wor", "ld, and more"]).map(Ok::<_, std::io::Error>);
        let long = patch(&admin, &upload, 6, &[], Body::from_stream(chunks)).await;
        assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(offset(&admin, &upload).await, "6");
        // sha1 of "world" is another one.
        let sum = [("upload-checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")];
        let wrong = patch(&admin, &upload, 6, &sum, "world").await;
        assert_eq!(
            (wrong.status.as_u16(), wrong.code().as_str()),
            (460, "checksum_mismatch")
        );
        let unknown = patch(&admin, &upload, 6, &[("upload-checksum", "crc7 AAAA")], "world").await;
        assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
        assert_eq!(offset(&admin, &upload).await, "6");
        let typed = [
            ("tus-resumable", "1.0.0"),
            ("upload-offset", "6"),
            ("content-type", "text/plain"),
        ];
        let typed = admin.raw("PATCH", &upload, &typed, "world").await;
        assert_eq!(typed.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let old = admin
            .raw("PATCH", &upload, &[("tus-resumable", "0.2.2")], "world")
            .await;
        assert_eq!(
            (old.status, old.header("tus-version")),
            (StatusCode::PRECONDITION_FAILED, "1.0.0")
        );
        let sum = [(
            "upload-checksum",
            "sha256 SG6kYiTRu0+2gPNPfJrZao8k7Ii+c+qOWmxlJg6cuKc=",
        )];
        let last = patch(&admin, &upload, 6, &sum, "world").await;
        assert_eq!(
            (last.status, last.header("upload-offset")),
            (StatusCode::NO_CONTENT, "11")
        );
        assert_eq!(files(&app, "uploads").len(), 2, "what was refused is not kept");

        let id = upload.rsplit('/').next().expect("an id");
        let inside = admin.get(&format!("/uploads/{id}/archive")).await;
        assert_eq!((inside.status.as_u16(), inside.code()), (422, "not_an_archive"));
        assert_eq!(admin.get("/uploads").await.body["total"], 1);
        let gone = admin
            .raw("DELETE", &upload, &[("tus-resumable", "1.0.0")], Body::empty())
            .await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        let gone = admin
            .raw("HEAD", &upload, &[("tus-resumable", "1.0.0")], Body::empty())
            .await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
        none_left(&app, "uploads").await;
        app.stop().await;
    }
}

#[tokio::test]
async fn a_length_that_is_told_later_needs_as_much_room() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let later = [("tus-resumable", "1.0.0"), ("upload-defer-length", "1")];
    let created = admin.raw("POST", UPLOADS, &later, Body::empty()).await;
    let upload = created.header("location").to_owned();
    let huge = patch(
        &admin,
        &upload,
        0,
        &[("upload-length", "99999999999999999")],
        Body::empty(),
    )
    .await;
    assert_eq!(
        (huge.status, huge.code().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "no_space")
    );
    // Nobody else is kept out by it, and it may still say what is true.
    begin(&admin, 5).await;
    let last = patch(&admin, &upload, 0, &[("upload-length", "5")], "hello").await;
    assert_eq!(last.status, StatusCode::NO_CONTENT, "{last:?}");
    app.stop().await;
}

#[tokio::test]
async fn uploads_are_their_owners_alone_and_nobody_mixes_bytes() {
    let app = App::start(testing::sqlite().await).await;
    app.user("bob", vec![everywhere("operator")]).await;
    app.user("eve", vec![everywhere("viewer")]).await;
    let (admin, bob, eve) = (
        app.login("admin").await,
        app.login("bob").await,
        app.login("eve").await,
    );
    let upload = begin(&admin, 20).await;
    let id = upload.rsplit('/').next().expect("an id");
    for path in [upload.clone(), format!("{upload}/archive")] {
        assert_eq!(
            bob.raw("GET", &path, &[], Body::empty()).await.status,
            StatusCode::NOT_FOUND
        );
    }
    assert_eq!(
        patch(&bob, &upload, 0, &[], "x").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        bob.raw("DELETE", &upload, &[], Body::empty()).await.status,
        StatusCode::NOT_FOUND
    );
    let import = json!({"uploadId": id, "serverIds": [1]});
    assert_eq!(
        bob.post("/images/import", import).await.status,
        StatusCode::NOT_FOUND
    );
    let headers = [("tus-resumable", "1.0.0"), ("upload-length", "1")];
    assert_eq!(
        eve.raw("POST", UPLOADS, &headers, Body::empty()).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        app.nobody()
            .raw("POST", UPLOADS, &headers, Body::empty())
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );

    let incomplete = admin.get(&format!("/uploads/{id}/archive")).await;
    assert_eq!(
        (incomplete.status.as_u16(), incomplete.code()),
        (409, "upload_incomplete")
    );

    // One request is in the middle of it when another comes.
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let slow = stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    });
    let second = async {
        sender
            .send(Ok(Bytes::from_static(b"0123456789")))
            .await
            .expect("taken");
        // Room for more: the first request reads its body, so the upload is in its hand.
        drop(sender.reserve().await.expect("taken"));
        let busy = patch(&admin, &upload, 0, &[], "abcdefghij").await;
        assert_eq!(busy.status, StatusCode::CONFLICT, "{busy:?}");
        sender
            .send(Err(std::io::Error::other("gone")))
            .await
            .expect("taken");
        drop(sender);
    };
    let (broken, ()) = tokio::join!(patch(&admin, &upload, 0, &[], Body::from_stream(slow)), second);
    assert!(broken.status.is_client_error());
    assert_eq!(
        offset(&admin, &upload).await,
        "10",
        "what came before the break is kept"
    );
    assert_eq!(
        patch(&admin, &upload, 10, &[], "abcdefghij").await.status,
        StatusCode::NO_CONTENT
    );
    let huge = [
        ("tus-resumable", "1.0.0"),
        ("upload-length", "9000000000000000000"),
    ];
    let huge = admin.raw("POST", UPLOADS, &huge, Body::empty()).await;
    assert_eq!(
        (huge.status, huge.code().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "no_space")
    );
    app.stop().await;
}

#[tokio::test]
async fn an_archive_is_shown_before_it_is_loaded() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let one = server(&app, &admin, "one", FakeEngine::seeded(1, 2)).await;
    let two = server(&app, &admin, "two", FakeEngine::seeded(2, 2)).await;
    let built = image(&["team/app:1"], &[1, 2], 50_000);
    let upload = admin.upload(docker_archive(std::slice::from_ref(&built))).await;
    let inside = admin.get(&format!("/uploads/{upload}/archive")).await.body;
    assert_eq!(
        (&inside["format"], &inside["compression"]),
        (&json!("docker-archive"), &json!("none"))
    );
    let shown = &inside["images"][0];
    assert_eq!(shown["references"], json!(["team/app:1"]));
    assert_eq!(shown["configDigest"], json!(built.config_digest()));
    assert_eq!(shown["servers"].as_array().map(Vec::len), Some(2));
    assert!(shown["servers"][0]["state"] == "absent" && shown["servers"][0]["platformMismatch"] == false);

    let body = json!({"uploadId": upload, "serverIds": [one, two]});
    let done = admin.end_of(&admin.post("/images/import", body).await).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    let shown = admin.get(&format!("/uploads/{upload}/archive")).await.body["images"][0].clone();
    assert!(
        shown["servers"]
            .as_array()
            .expect("servers")
            .iter()
            .all(|server| server["state"] == "same")
    );

    let body = json!({"uploadId": upload, "serverIds": [one], "name": "Team/Bad Name"});
    assert_eq!(
        admin.post("/images/import", body).await.code(),
        "invalid_reference"
    );
    let several = docker_archive(&[image(&["a:1"], &[1], 9), image(&["b:1"], &[2], 9)]);
    let several = admin.upload(several).await;
    let body = json!({"uploadId": several, "serverIds": [one], "name": "x"});
    assert_eq!(admin.post("/images/import", body).await.fields(), ["name"]);
    let body = json!({"uploadId": several, "serverIds": []});
    assert_eq!(admin.post("/images/import", body).await.fields(), ["serverIds"]);

    let foreign = imagefleet_archive::build::BuiltImage::new(&["arm:1"], "arm64", built.layers.clone());
    let foreign = admin.upload(oci_layout(&[foreign])).await;
    let body = json!({"uploadId": foreign, "serverIds": [one]});
    let refused = admin.post("/images/import", body).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::CONFLICT, "platform_mismatch")
    );
    let body = json!({"uploadId": foreign, "serverIds": [one], "force": true});
    let done = admin.end_of(&admin.post("/images/import", body).await).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    app.stop().await;
}

#[tokio::test]
async fn an_export_is_fetched_whole_and_in_parts() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        app.user(
            "bob",
            vec![grant(
                "operator",
                GrantServers {
                    ids: vec![99],
                    ..GrantServers::default()
                },
                "*",
            )],
        )
        .await;
        let admin = app.login("admin").await;
        let one = server(&app, &admin, "one", FakeEngine::seeded(1, 5)).await;
        for wrong in [
            json!({}),
            json!({"imageIds": []}),
            json!({"imageIds": [1], "serverId": one}),
        ] {
            assert_eq!(admin.post("/images/export", wrong).await.status.as_u16(), 422);
        }
        let missing = admin.post("/images/export", json!({"imageIds": [987_654]})).await;
        assert_eq!(missing.code(), "image_not_found");
        let begun = admin.post("/images/export", json!({"serverId": one})).await;
        let done = admin.end_of(&begun).await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
        let result = &done["steps"][0]["result"];
        let path = result["filePath"].as_str().expect("a path");
        let whole = admin.raw("GET", path, &[], Body::empty()).await;
        let tag = whole.header("etag").to_owned();
        assert_eq!(tag, format!("\"{}\"", result["sha256"].as_str().expect("a sum")));
        assert_eq!(whole.header("content-length"), whole.bytes.len().to_string());
        assert!(whole.header("content-disposition").contains("one_5-images_"));
        let size = whole.bytes.len();
        let head = admin
            .raw("HEAD", path, &[("range", "bytes=0-1")], Body::empty())
            .await;
        assert_eq!(
            (head.status, head.header("content-length")),
            (StatusCode::OK, whole.header("content-length"))
        );
        assert!(head.bytes.is_empty());

        let part = async |headers: &[(&str, &str)]| admin.raw("GET", path, headers, Body::empty()).await;
        let mut joined = Vec::new();
        for range in ["bytes=0-9", "bytes=10-999"] {
            joined.extend(part(&[("range", range), ("if-range", &tag)]).await.bytes);
        }
        let other = part(&[("if-match", "\"another\"")]).await;
        assert_eq!(other.status, StatusCode::PRECONDITION_FAILED);
        let rest = part(&[("range", "bytes=1000-"), ("if-match", &tag)]).await;
        assert_eq!(rest.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(
            rest.header("content-range"),
            format!("bytes 1000-{}/{size}", size - 1)
        );
        joined.extend(rest.bytes);
        assert!(joined == whole.bytes);
        assert!(part(&[("range", "bytes=-5")]).await.bytes == whole.bytes[size - 5..]);
        let other = part(&[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await;
        assert_eq!((other.status, other.bytes.len()), (StatusCode::OK, size));
        let outside = part(&[("range", &format!("bytes={size}-"))]).await;
        assert_eq!(outside.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(outside.header("content-range"), format!("bytes */{size}"));
        let same = part(&[("if-none-match", &tag)]).await;
        assert_eq!((same.status, same.bytes.len()), (StatusCode::NOT_MODIFIED, 0));

        let bob = app.login("bob").await;
        assert_eq!(
            bob.raw("GET", path, &[], Body::empty()).await.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(bob.get("/exports").await.body["total"], 0);
        let export = format!("/exports/{}", result["exportId"].as_str().expect("an id"));
        assert_eq!(
            admin.get("/exports").await.body["items"][0]["sha256"],
            result["sha256"]
        );
        // A download that has begun when the export goes ends whole.
        let request = axum::http::Request::get(path)
            .body(Body::empty())
            .expect("a request");
        let under_way = admin.send(request).await;
        assert_eq!(admin.delete(&export).await.status, StatusCode::NO_CONTENT);
        let bytes = http_body_util::BodyExt::collect(under_way.into_body())
            .await
            .expect("whole")
            .to_bytes();
        assert!(bytes == whole.bytes);
        assert_eq!(
            admin.raw("GET", path, &[], Body::empty()).await.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(files(&app, "exports"), [""; 0]);
        app.stop().await;
    }
}

#[tokio::test]
async fn what_fails_or_is_cancelled_leaves_nothing() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let engine = FakeEngine::seeded(1, 5);
    let one = server(&app, &admin, "one", engine.clone()).await;
    engine.inject(FaultyCall::Save, Fault::CutAfter(3000), Some(9));
    let begun = admin.post("/images/export", json!({"serverId": one})).await;
    let path = format!("/operations/{}", begun.body["id"].as_str().expect("an id"));
    // A connection that ends is tried again by itself, later; the waiting is the test's.
    let done = loop {
        let operation = admin.get(&path).await.body;
        if operation["finishedAt"].is_string() {
            break operation;
        }
        if operation["steps"][0]["status"] == "queued" {
            app.at.pass(2);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(done["status"], "failed", "{done:#}");
    none_left(&app, "exports").await;
    assert_eq!(admin.get("/exports").await.body["total"], 0);
    engine.heal();
    let retried = admin
        .post(
            &format!("/operations/{}/retry", done["id"].as_str().expect("an id")),
            json!({}),
        )
        .await;
    assert_eq!(admin.end_of(&retried).await["status"], "succeeded");
    assert_eq!(files(&app, "exports").len(), 1);

    engine.inject(
        FaultyCall::Save,
        Fault::Drip {
            bytes: 512,
            pause: Duration::from_millis(50),
        },
        Some(1),
    );
    let begun = admin
        .post("/images/export", json!({"serverId": one, "compression": "gzip"}))
        .await;
    let path = format!("/operations/{}", begun.body["id"].as_str().expect("an id"));
    admin
        .until(&path, |operation| {
            operation["steps"][0]["bytesDone"].as_u64() > Some(0)
        })
        .await;
    admin.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!(admin.end_of(&begun).await["status"], "cancelled");
    for _ in 0..500 {
        if files(&app, "exports").len() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(files(&app, "exports").len(), 1);
    assert_eq!(admin.get("/exports").await.body["total"], 1);
    app.stop().await;
}

#[tokio::test]
async fn what_a_crash_left_is_swept_at_the_start() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let kept = admin.upload(noise(7, 10)).await;
    let folder = app.archives.path();
    std::fs::create_dir_all(folder.join("exports")).expect("made");
    std::fs::create_dir_all(folder.join("uploads/nobody")).expect("made");
    for left in ["exports/gone#1", "exports/gone", "uploads/nobody/0-x"] {
        std::fs::write(folder.join(left), "left").expect("written");
    }
    std::fs::write(folder.join(format!("uploads/{kept}/5-x#1")), "left").expect("written");
    reconcilers::sweep(app.operations.deps()).await.expect("swept");
    assert_eq!(files(&app, "exports"), [""; 0]);
    assert_eq!(files(&app, "uploads").len(), 1);
    app.at.pass(25 * 3600);
    reconcilers::sweep(app.operations.deps()).await.expect("swept");
    none_left(&app, "uploads").await;
    app.stop().await;
}

fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, value) in parts {
        let file = file
            .map(|file| format!("; filename=\"{file}\""))
            .unwrap_or_default();
        body.extend(format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").bytes());
        body.extend(*value);
        body.extend(b"\r\n");
    }
    body.extend(b"--X--\r\n");
    body
}

#[tokio::test]
async fn the_monitor_api_exports_and_imports() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let one = server(&app, &admin, "one", FakeEngine::seeded(1, 3)).await;
    let end = async |raw: Raw| -> (Value, Value) {
        let body: Value = serde_json::from_slice(&raw.bytes).expect("JSON");
        assert_eq!(body["code"], "00000", "{body:#}");
        let path = format!(
            "/operations/{}",
            body["data"]["operationId"].as_str().expect("an id")
        );
        (
            body,
            admin
                .until(&path, |operation| operation["finishedAt"].is_string())
                .await,
        )
    };
    let json = [("content-type", "application/json")];
    let images = admin.get("/images").await.body["items"].clone();
    let id = images[0]["id"].to_string();
    for body in [
        json!({"imageId": id, "serverId": one}),
        json!({"imageIds": [images[0]["id"], images[1]["id"]]}),
        json!({"serverId": one.to_string()}),
    ] {
        let (answer, done) = end(admin
            .raw("POST", &format!("{MONITOR}/export"), &json, body.to_string())
            .await)
        .await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
        let path = answer["data"]["filePath"].as_str().expect("a path");
        assert!(admin.download(path).await.len() > 1024);
    }
    let wrong = json!({"imageId": id, "serverId": 77}).to_string();
    let wrong = admin
        .raw("POST", &format!("{MONITOR}/export"), &json, wrong)
        .await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);

    let typed = [("content-type", "multipart/form-data; boundary=X")];
    let archive = docker_archive(&[image(&["team/app:1"], &[1, 2], 3_000_000)]);
    let server_id = one.to_string();
    let parts: [(&str, Option<&str>, &[u8]); 4] = [
        ("imageName", None, b"team/other"),
        ("file", Some("app.tar"), &archive),
        ("serverId", None, server_id.as_bytes()),
        ("imageTag", None, b"2"),
    ];
    let import = format!("{MONITOR}/import");
    let (_, done) = end(admin.raw("POST", &import, &typed, form(&parts)).await).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    let found = admin.get("/images?repository=team/other&tag=2").await.body;
    assert_eq!(found["total"], 1);
    assert_eq!(admin.get("/images?repository=team/app").await.body["total"], 0);
    assert_eq!(admin.get("/uploads").await.body["total"], 1);

    for (parts, status, code) in [
        (&parts[..1], 422, "invalid_input"),
        (&parts[..2], 422, "invalid_input"),
        (
            &[
                ("serverId", None, server_id.as_bytes()),
                ("file", Some("x"), b"no archive at all"),
            ][..],
            422,
            "not_an_archive",
        ),
    ] {
        let refused = admin.raw("POST", &import, &typed, form(parts)).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (status, code));
    }
    let cut = form(&parts);
    let refused = admin
        .raw("POST", &import, &typed, cut[..cut.len() / 2].to_vec())
        .await;
    assert!(refused.status.is_client_error(), "{refused:?}");
    for _ in 0..500 {
        if admin.get("/uploads").await.body["total"] == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(admin.get("/uploads").await.body["total"], 1, "refused files go");
    app.stop().await;
}
