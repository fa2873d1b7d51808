//! Import, export and copy on real engines: Docker's classic store (20.10 and 28), its containerd store, and Podman.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use imagefleet_archive::build::{
    BuiltImage, LayerPacking, both_forms, classic_save, docker_archive, oci_layout,
};
use imagefleet_archive::{Compression, compress};
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client};
use imagefleet_tests::archives::image;
use serde_json::{Value, json};

const ENGINES: [&str; 4] = ["DOCKER20", "DOCKER28", "CONTAINERD", "PODMAN"];

/// The lab's engines as servers, by name. `None` without the lab.
async fn lab(admin: &Client<'_>) -> Option<Vec<(String, i64)>> {
    let mut servers = Vec::new();
    for name in ENGINES {
        let Ok(endpoint) = std::env::var(format!("IMAGEFLEET_LAB_{name}")) else {
            assert!(
                std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
                "IMAGEFLEET_LAB_REQUIRED is set, but IMAGEFLEET_LAB_{name} is not"
            );
            return None;
        };
        let added = admin
            .post("/servers", json!({"name": name, "endpoint": endpoint}))
            .await;
        assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
        let id = added.body["id"].as_i64().expect("an id");
        let path = format!("/servers/{id}");
        admin
            .until(&path, |server| {
                server["status"] == "online" && server["lastSyncAt"].is_string()
            })
            .await;
        servers.push((name.to_owned(), id));
    }
    Some(servers)
}

/// A repository that nobody else uses, and seeds for content that no engine has.
fn own(word: &str) -> (String, u64) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_nanos();
    let seed = u64::try_from(now & 0xFFFF_FFFF_FFFF).expect("fits");
    (format!("archives-{word}/{seed:x}"), seed)
}

async fn packed(archive: bytes::Bytes, compression: Compression) -> Vec<u8> {
    let whole = stream::once(std::future::ready(Ok(archive))).boxed();
    let chunks: Vec<bytes::Bytes> = compress(whole, compression).try_collect().await.expect("packed");
    chunks.concat()
}

fn tar(form: fn(&[BuiltImage]) -> bytes::Bytes, image: &BuiltImage) -> bytes::Bytes {
    form(std::slice::from_ref(image))
}

fn ids(servers: &[(String, i64)]) -> Vec<i64> {
    servers.iter().map(|(_, id)| *id).collect()
}

/// Succeeded, or the panic says which step did not.
fn succeeded(operation: &Value) {
    assert_eq!(operation["status"], "succeeded", "{operation:#}");
    assert_eq!(operation["progress"], 100);
}

async fn row(admin: &Client<'_>, server: i64, name: &str) -> Value {
    let (repository, tag) = name.rsplit_once(':').expect("a tag");
    let list = admin
        .get(&format!(
            "/images?serverId={server}&repository={repository}&tag={tag}"
        ))
        .await;
    list.body["items"][0].clone()
}

async fn clean(admin: &Client<'_>, repository: &str) {
    let list = admin.get(&format!("/images?q={repository}&size=200")).await.body;
    let rows = list["items"].as_array().expect("rows");
    let ids: Vec<&Value> = rows.iter().map(|row| &row["id"]).collect();
    if !ids.is_empty() {
        let gone = admin
            .post("/images/delete", json!({"imageIds": ids, "force": true}))
            .await;
        succeeded(&admin.end_of(&gone).await);
    }
}

/// The rows of a server that have no tag.
async fn untagged(admin: &Client<'_>, server: i64) -> Vec<Value> {
    let list = admin
        .get(&format!("/images?serverId={server}&size=200"))
        .await
        .body;
    let rows = list["items"].as_array().expect("rows");
    rows.iter().filter(|row| row["tag"].is_null()).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_a_name_is_copied_between_unlike_stores() {
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let Some(servers) = lab(&admin).await else { return };
    let (repository, seed) = own("nameless");
    let name = format!("{repository}:1");
    let engine_ids = async |server| -> HashSet<String> {
        let rows = untagged(&admin, server).await;
        rows.iter()
            .map(|row| row["engineId"].as_str().expect("an id").to_owned())
            .collect()
    };
    for (at, (source, from)) in servers.iter().enumerate() {
        // The second takes the name away from the first.
        for n in 0..2 {
            let built = image(&[&name], &[seed + 10 * at as u64 + n], 50_000);
            let upload = admin.upload(tar(oci_layout, &built)).await;
            let body = json!({"uploadId": upload, "serverIds": [from], "force": true});
            succeeded(&admin.end_of(&admin.post("/images/import", body).await).await);
        }
        let nameless = untagged(&admin, *from).await;
        let mut before = Vec::new();
        for (_, server) in &servers {
            before.push(engine_ids(*server).await);
        }
        let image = nameless
            .iter()
            .max_by_key(|row| row["id"].as_i64())
            .unwrap_or_else(|| panic!("{source} keeps what lost its name"));
        let targets: Vec<i64> = ids(&servers).into_iter().filter(|id| id != from).collect();
        let body = json!({"imageId": image["id"], "serverIds": targets});
        let done = admin.end_of(&admin.post("/images/copy", body).await).await;
        assert_eq!(done["status"], "succeeded", "{source}: {done:#}");
        for ((_, server), before) in servers.iter().zip(before) {
            if server != from {
                let rows = untagged(&admin, *server).await;
                let made: Vec<&Value> = rows
                    .iter()
                    .filter(|row| !before.contains(row["engineId"].as_str().expect("an id")))
                    .map(|row| &row["id"])
                    .collect();
                let gone = admin
                    .post("/images/delete", json!({"imageIds": made, "force": true}))
                    .await;
                succeeded(&admin.end_of(&gone).await);
            }
        }
        let gone = admin
            .post(
                "/images/delete",
                json!({"imageIds": [image["id"]], "force": true}),
            )
            .await;
        succeeded(&admin.end_of(&gone).await);
    }
    clean(&admin, &repository).await;
    app.stop().await;
}

fn files_in(app: &App, kind: &str) -> usize {
    std::fs::read_dir(app.archives.path().join(kind)).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_is_imported_into_every_store() {
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let Some(servers) = lab(&admin).await else { return };
    let (repository, seed) = own("import");
    let forms: [(&str, fn(&[BuiltImage]) -> bytes::Bytes, LayerPacking, Compression); 6] = [
        ("docker", docker_archive, LayerPacking::Plain, Compression::None),
        ("classic", classic_save, LayerPacking::Plain, Compression::Gzip),
        ("oci", oci_layout, LayerPacking::Plain, Compression::Zstd),
        ("oci-gzip", oci_layout, LayerPacking::Gzip, Compression::None),
        ("oci-zstd", oci_layout, LayerPacking::Zstd, Compression::Gzip),
        ("both", both_forms, LayerPacking::Plain, Compression::Gzip),
    ];
    for (at, (word, form, packing, compression)) in forms.into_iter().enumerate() {
        let name = format!("{repository}:{word}");
        let seeds = [seed, seed + 1 + at as u64];
        let built = image(&[&name], &seeds, 300_000).packed(packing);
        let upload = admin.upload(packed(tar(form, &built), compression).await).await;
        let inside = admin.get(&format!("/uploads/{upload}/archive")).await.body;
        assert_eq!(inside["images"][0]["references"], json!([name]), "{inside:#}");
        assert_eq!(inside["images"][0]["layers"].as_array().map(Vec::len), Some(2));
        // Not every old engine reads zstd layers.
        let servers: Vec<_> = servers
            .iter()
            .filter(|(server, _)| packing != LayerPacking::Zstd || server != "DOCKER20")
            .cloned()
            .collect();
        let body = json!({"uploadId": upload, "serverIds": ids(&servers)});
        succeeded(&admin.end_of(&admin.post("/images/import", body).await).await);
        let inside = admin.get(&format!("/uploads/{upload}/archive")).await.body;
        for server in inside["images"][0]["servers"].as_array().expect("servers") {
            let had = servers.iter().any(|(_, id)| server["serverId"] == *id);
            let expected = if had { "same" } else { "absent" };
            assert_eq!(server["state"], expected, "{word} {server:#}");
        }
    }
    clean(&admin, &repository).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_not_taken_over_without_force() {
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let Some(servers) = lab(&admin).await else { return };
    let (repository, seed) = own("force");
    let name = format!("{repository}:1");
    let renamed = format!("{repository}:other");
    let all = ids(&servers);
    let import = async |upload: &str, more: Value| {
        let mut body = json!({"uploadId": upload, "serverIds": all});
        body.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        admin.end_of(&admin.post("/images/import", body).await).await
    };
    let one = admin
        .upload(tar(docker_archive, &image(&[&name], &[seed], 9_000)))
        .await;
    let two = admin
        .upload(tar(oci_layout, &image(&[&name], &[seed + 1], 9_000)))
        .await;
    succeeded(&import(&one, json!({})).await);
    succeeded(&import(&one, json!({})).await);
    let refused = import(&two, json!({})).await;
    assert_eq!(refused["status"], "failed");
    for step in refused["steps"].as_array().expect("steps") {
        assert_eq!(step["error"]["code"], "conflict", "{step:#}");
    }
    succeeded(&import(&two, json!({"name": repository, "tag": "other"})).await);
    succeeded(&import(&two, json!({"force": true})).await);
    for (server, id) in &servers {
        let (one, other) = (row(&admin, *id, &name).await, row(&admin, *id, &renamed).await);
        assert!(one["engineId"].is_string(), "{server}");
        assert_eq!(one["engineId"], other["engineId"], "{server}");
    }
    let latest = import(&two, json!({"name": format!("{repository}/x")})).await;
    succeeded(&latest);
    assert!(row(&admin, all[0], &format!("{repository}/x:latest")).await["id"].is_i64());
    clean(&admin, &repository).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_load_again_elsewhere() {
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let Some(servers) = lab(&admin).await else { return };
    let (repository, seed) = own("export");
    let names: Vec<String> = (1..=3).map(|n| format!("{repository}:{n}")).collect();
    let built: Vec<BuiltImage> = names
        .iter()
        .zip(1..)
        .map(|(name, n)| image(&[name.as_str()], &[seed, seed + n], 200_000))
        .collect();
    let upload = admin.upload(docker_archive(&built)).await;
    let body = json!({"uploadId": upload, "serverIds": ids(&servers)});
    succeeded(&admin.end_of(&admin.post("/images/import", body).await).await);

    for (at, (server, id)) in servers.iter().enumerate() {
        let mut rows = Vec::new();
        for name in &names {
            rows.push(row(&admin, *id, name).await["id"].clone());
        }
        let asked = [
            json!({"imageIds": [rows[0]], "compression": "gzip"}),
            json!({"imageIds": rows, "compression": "zstd"}),
            json!({"imageIds": [rows[2]]}),
        ];
        for (body, count) in asked.into_iter().zip([1, 3, 1]) {
            let done = admin
                .end_of(&admin.post("/images/export", body.clone()).await)
                .await;
            succeeded(&done);
            let result = &done["steps"][0]["result"];
            let export = format!("/exports/{}", result["exportId"].as_str().expect("an id"));
            let kept = admin.get(&export).await.body;
            assert_eq!(kept["images"].as_array().map(Vec::len), Some(count), "{kept:#}");
            let file = admin.download(result["filePath"].as_str().expect("a path")).await;
            assert_eq!(kept["size"], file.len(), "{server}");
            if count == 3 {
                assert!(file.len() < 5 * 200_000, "{server}: shared layers are there once");
            }
            // Into the next engine, without what it has.
            let (_, next) = &servers[(at + 1) % servers.len()];
            let again = admin.upload(file).await;
            let body = json!({"uploadId": again, "serverIds": [next], "force": true});
            succeeded(&admin.end_of(&admin.post("/images/import", body).await).await);
            assert_eq!(admin.delete(&export).await.status, StatusCode::NO_CONTENT);
        }
    }
    assert_eq!(files_in(&app, "exports"), 0);
    clean(&admin, &repository).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_send_what_is_missing() {
    const LAYER: u64 = 400_000;
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let Some(servers) = lab(&admin).await else { return };
    let mut figures = Vec::new();
    for (source, from) in &servers {
        let (repository, seed) = own("copy");
        let targets: Vec<i64> = ids(&servers).into_iter().filter(|id| id != from).collect();
        let name = |n: u64| format!("{repository}:{n}");
        for (n, seeds) in [(1, [seed, seed + 1, seed + 2]), (2, [seed, seed + 1, seed + 3])] {
            let built = image(&[&name(n)], &seeds, usize::try_from(LAYER).expect("small"));
            let upload = admin.upload(tar(oci_layout, &built)).await;
            let body = json!({"uploadId": upload, "serverIds": [from]});
            succeeded(&admin.end_of(&admin.post("/images/import", body).await).await);
            let image = row(&admin, *from, &name(n)).await["id"].clone();
            let wanted: Vec<String> = targets.iter().map(ToString::to_string).collect();
            let path = format!("/images/{image}/copy-preview?serverIds={}", wanted.join(","));
            let preview = admin.get(&path).await.body;
            assert!(preview["targets"].is_array(), "{preview:#}");
            let body = json!({"imageId": image, "serverIds": targets});
            let began = std::time::Instant::now();
            let done = admin
                .end_of(&admin.post("/images/copy", body.clone()).await)
                .await;
            succeeded(&done);
            figures.push(format!(
                "{source} #{n} to three: {} ms",
                began.elapsed().as_millis()
            ));
            for (step, before) in done["steps"]
                .as_array()
                .expect("steps")
                .iter()
                .zip(preview["targets"].as_array().expect("targets"))
            {
                let (result, target) = (&step["result"], step["serverName"].as_str().expect("a name"));
                let sent = result["bytesSent"].as_u64().expect("bytes");
                figures.push(format!(
                    "{source} → {target} #{n}: {} of 3 layers, {sent} bytes",
                    result["layersSent"]
                ));
                assert_eq!(result["layersTotal"], 3, "{source} → {target} {result:#}");
                let delta = n == 2 && target != "PODMAN";
                let layers = if delta { 1 } else { 3 };
                assert_eq!(
                    result["layersSent"], layers,
                    "{source} → {target} #{n} {result:#}"
                );
                assert_eq!(
                    before["layersToSend"], layers,
                    "{source} → {target} #{n} {before:#}"
                );
                assert!(sent >= layers * LAYER, "{source} → {target}: {sent}");
                assert!(sent <= layers * LAYER + (64 << 10), "{source} → {target}: {sent}");
            }
            let again = admin.end_of(&admin.post("/images/copy", body).await).await;
            succeeded(&again);
            let sent: HashSet<u64> = again["steps"]
                .as_array()
                .expect("steps")
                .iter()
                .map(|step| step["result"]["bytesSent"].as_u64().expect("bytes"))
                .collect();
            assert_eq!(sent, HashSet::from([0]), "they have it already");
        }
        clean(&admin, &repository).await;
    }
    println!("{}", figures.join("\n"));
    app.stop().await;
}
