//! Archives on real engines while something goes wrong on the way: an engine that dies in the middle, a target that
//! takes nothing, and what a copy is worth in the end.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use imagefleet_archive::build::docker_archive;
use imagefleet_store::testing;
use imagefleet_tests::app::{Answer, App, Client};
use imagefleet_tests::archives::image;
use imagefleet_tests::gate::{Gate, Passing};
use serde_json::{Value, json};

const MIB: u64 = 1 << 20;

/// What the lab calls it; `None` without the lab.
fn lab(name: &str) -> Option<String> {
    let value = std::env::var(format!("IMAGEFLEET_LAB_{name}")).ok();
    assert!(
        value.is_some() || std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
        "IMAGEFLEET_LAB_REQUIRED is set, but IMAGEFLEET_LAB_{name} is not"
    );
    value
}

async fn server(admin: &Client<'_>, name: &str, endpoint: &str) -> i64 {
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
    id
}

/// A name that nobody else uses, and a seed for content that no engine has.
fn own(word: &str) -> (String, u64) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_nanos();
    let seed = u64::try_from(now & 0xFFFF_FFFF_FFFF).expect("fits");
    (format!("archives-{word}/{seed:x}:1"), seed)
}

async fn row(admin: &Client<'_>, server: i64, name: &str) -> Value {
    let (repository, tag) = name.rsplit_once(':').expect("a tag");
    let path = format!("/images?serverId={server}&repository={repository}&tag={tag}");
    admin.get(&path).await.body["items"][0].clone()
}

async fn import(admin: &Client<'_>, server: i64, name: &str, seed: u64, size: u64) -> Answer {
    let size = usize::try_from(size).expect("small");
    let upload = admin
        .upload(docker_archive(&[image(&[name], &[seed], size)]))
        .await;
    admin
        .post(
            "/images/import",
            json!({"uploadId": upload, "serverIds": [server]}),
        )
        .await
}

async fn clean(admin: &Client<'_>, name: &str) {
    let (repository, _) = name.rsplit_once(':').expect("a tag");
    let list = admin.get(&format!("/images?q={repository}&size=200")).await.body;
    let ids: Vec<&Value> = list["items"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["id"])
        .collect();
    let gone = admin
        .post("/images/delete", json!({"imageIds": ids, "force": true}))
        .await;
    assert_eq!(admin.end_of(&gone).await["status"], "succeeded");
}

/// The end of an operation whose broken connections are tried again by themselves, later: the waiting is the test's.
async fn end_of_all_attempts(app: &App, admin: &Client<'_>, begun: &Answer) -> Value {
    let path = format!("/operations/{}", begun.body["id"].as_str().expect("an id"));
    loop {
        let operation = admin.get(&path).await.body;
        if operation["finishedAt"].is_string() {
            return operation;
        }
        if operation["steps"][0]["status"] == "queued" {
            app.at.pass(5);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_dies_in_the_middle() {
    for engine in ["DOCKER20", "CONTAINERD", "PODMAN"] {
        let Some(endpoint) = lab(engine) else { return };
        let app = App::start_real(testing::sqlite().await).await;
        let admin = app.login("admin").await;
        let gate = Gate::before(&endpoint).await;
        let server = server(&admin, engine, &gate.endpoint()).await;
        let (name, seed) = own("dies");

        gate.set(Passing::CutAfter(2 * MIB));
        let begun = import(&admin, server, &name, seed, 8 * MIB).await;
        let failed = end_of_all_attempts(&app, &admin, &begun).await;
        let error = &failed["steps"][0]["error"];
        assert_eq!(error["code"], "engine_disconnected", "{engine}: {failed:#}");
        assert!(error["hint"].is_string());
        assert!(
            row(&admin, server, &name).await.is_null(),
            "{engine}: nothing half is listed"
        );
        gate.set(Passing::Freely);
        let retry = format!("/operations/{}/retry", failed["id"].as_str().expect("an id"));
        let done = admin.end_of(&admin.post(&retry, json!({})).await).await;
        assert_eq!(done["status"], "succeeded", "{engine}: {done:#}");

        gate.set(Passing::CutAfter(2 * MIB));
        let image = row(&admin, server, &name).await["id"].clone();
        let begun = admin.post("/images/export", json!({"imageIds": [image]})).await;
        let failed = end_of_all_attempts(&app, &admin, &begun).await;
        assert_eq!(
            failed["steps"][0]["error"]["code"], "engine_disconnected",
            "{engine}: {failed:#}"
        );
        assert_eq!(admin.get("/exports").await.body["total"], 0);
        let exports = app.archives.path().join("exports");
        let left = std::fs::read_dir(exports).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{engine}: no file is left");
        // This time the second attempt meets an engine that has come back.
        let stopped = gate.stopped(0).await;
        let retry = format!("/operations/{}/retry", failed["id"].as_str().expect("an id"));
        let begun = admin.post(&retry, json!({})).await;
        gate.stopped(stopped).await;
        gate.set(Passing::Freely);
        let done = end_of_all_attempts(&app, &admin, &begun).await;
        assert_eq!(done["status"], "succeeded", "{engine}: {done:#}");
        clean(&admin, &name).await;
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_hangs_stops_nobody_else() {
    let (Some(from), Some(hangs), Some(goes)) = (lab("DOCKER28"), lab("DOCKER20"), lab("CONTAINERD")) else {
        return;
    };
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let gate = Gate::before(&hangs).await;
    let from = server(&admin, "from", &from).await;
    let hangs = server(&admin, "hangs", &gate.endpoint()).await;
    let goes = server(&admin, "goes", &goes).await;
    let (name, seed) = own("hangs");
    // More than the pipe and the sockets between take in.
    let done = admin
        .end_of(&import(&admin, from, &name, seed, 40 * MIB).await)
        .await;
    assert_eq!(done["status"], "succeeded", "{done:#}");

    gate.set(Passing::Until(MIB));
    let image = row(&admin, from, &name).await["id"].clone();
    let begun = admin
        .post(
            "/images/copy",
            json!({"imageId": image, "serverIds": [hangs, goes]}),
        )
        .await;
    let path = format!("/operations/{}", begun.body["id"].as_str().expect("an id"));
    let step = |operation: &Value, server: i64| {
        let steps = operation["steps"].as_array().expect("steps");
        let step = steps.iter().find(|step| step["serverId"] == server);
        step.expect("a step")["status"].clone()
    };
    let meanwhile = loop {
        let operation = admin.get(&path).await.body;
        if step(&operation, goes) != "queued" && step(&operation, goes) != "running" {
            break operation;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(step(&meanwhile, goes), "succeeded", "{meanwhile:#}");
    assert_eq!(step(&meanwhile, hangs), "running", "{meanwhile:#}");
    gate.set(Passing::Freely);
    let done = admin.end_of(&begun).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    assert!(row(&admin, hangs, &name).await["id"].is_i64());
    clean(&admin, &name).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_runs_and_is_the_same_image() {
    let (Some(registry), Some(from)) = (lab("REGISTRY"), lab("DOCKER20")) else {
        return;
    };
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let from = server(&admin, "DOCKER20", &from).await;
    let mut targets = Vec::new();
    for engine in ["DOCKER28", "CONTAINERD", "PODMAN"] {
        let Some(endpoint) = lab(engine) else { return };
        targets.push((engine, server(&admin, engine, &endpoint).await));
    }
    let name = format!("{registry}/library/redis:7.2");
    let pull = admin
        .post("/images/pull", json!({"reference": name, "serverIds": [from]}))
        .await;
    assert_eq!(admin.end_of(&pull).await["status"], "succeeded");
    let original = row(&admin, from, &name).await;
    let ids: Vec<i64> = targets.iter().map(|(_, id)| *id).collect();
    let body = json!({"imageId": original["id"], "serverIds": ids});
    let done = admin.end_of(&admin.post("/images/copy", body).await).await;
    assert_eq!(done["status"], "succeeded", "{done:#}");
    for (engine, id) in targets {
        let copy = row(&admin, id, &name).await;
        if engine != "CONTAINERD" {
            assert_eq!(
                copy["engineId"], original["engineId"],
                "{engine}: the same config"
            );
        }
        let form = json!({
            "name": format!("copied-{}", own("runs").1),
            "networkMode": "none",
            "entrypoint": ["sh", "-c", "echo it runs; sleep 600"],
            "command": [],
            "start": true,
        });
        let path = format!("/images/{}/containers", copy["id"]);
        let made = admin.end_of(&admin.post(&path, form).await).await;
        assert_eq!(made["status"], "succeeded", "{engine}: {made:#}");
        let container = format!("/containers/{}", made["result"]["containerId"]);
        assert_eq!(admin.get(&container).await.body["state"], "running", "{engine}");
        admin
            .delete(&format!("{container}?force=true&volumes=true"))
            .await;
    }
    app.stop().await;
}
