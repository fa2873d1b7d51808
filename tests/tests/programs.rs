//! Several programs on one `PostgreSQL`. The one that works lives in a runtime of its own: when that ends, it is as dead
//! as a killed process, its leases stay behind.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::StatusCode;
use futures_util::{StreamExt as _, stream};
use imagefleet_archive::build::docker_archive;
use imagefleet_engine::fake::{FakeEngine, FakeOptions};
use imagefleet_operations::RunnerOptions;
use imagefleet_operations::reconcilers::{self, Swept};
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client, everywhere};
use imagefleet_tests::archives;
use imagefleet_tests::live::Socket;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const ENDPOINT: &str = "unix:///run/a.sock";

/// The program that works, and the one in front that takes no steps yet.
async fn two() -> Option<(Runtime, Arc<App>, App)> {
    let runtime = Runtime::new().expect("a runtime");
    let starting = runtime.spawn(async {
        let at = testing::shared().await?;
        Some(Arc::new(App::start(at).await))
    });
    let Some(worker) = starting.await.expect("it starts") else {
        runtime.shutdown_background();
        return None;
    };
    let options = RunnerOptions {
        lease: Duration::from_secs(2),
        ..RunnerOptions::default()
    };
    let front = worker.beside(options).await;
    Some((runtime, worker, front))
}

fn slow() -> FakeEngine {
    FakeEngine::new(FakeOptions {
        bytes_per_second: Some(1000),
        ..FakeOptions::default()
    })
}

async fn add(admin: &Client<'_>) -> i64 {
    add_at(admin, "a", ENDPOINT).await
}

async fn add_at(admin: &Client<'_>, name: &str, endpoint: &str) -> i64 {
    let added = admin
        .post("/servers", json!({"name": name, "endpoint": endpoint}))
        .await;
    let id = added.body["id"].as_i64().expect("an id");
    admin
        .until(&format!("/servers/{id}"), |server| {
            server["lastSyncAt"].is_string()
        })
        .await;
    id
}

/// Until something that the other did is heard.
async fn hear(admin: &Client<'_>, live: &mut Socket<'_>, server: i64) {
    let sync = admin.post("/images/sync", json!({"serverIds": [server]})).await;
    let id = &sync.body["id"];
    live.until(|name, told| name == "operation_complete" && told["operationId"] == *id)
        .await;
}

/// What was told of an operation: names and numbers.
fn told_of<'a>(live: &'a Socket<'_>, id: &Value) -> Vec<(&'a str, u64)> {
    live.events
        .iter()
        .filter(|(_, told)| told["operationId"] == *id)
        .map(|(name, told)| (name.as_str(), told["seq"].as_u64().expect("a number")))
        .collect()
}

/// Whether numbers grow, and what ends it is there once and last.
fn in_order(told: &[(&str, u64)]) -> bool {
    let last = told
        .iter()
        .position(|(name, _)| matches!(*name, "operation_complete" | "operation_error"));
    told.is_sorted_by(|(_, one), (_, next)| one < next) && last == told.len().checked_sub(1)
}

async fn begin_pull(admin: &Client<'_>, server: i64, reference: &str) -> String {
    let pull = json!({"reference": reference, "serverIds": [server]});
    let begun = admin.post("/images/pull", pull).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{begun:?}");
    let id = begun.body["id"].as_str().expect("an id").to_owned();
    admin
        .until(&format!("/operations/{id}"), |operation| {
            operation["status"] == "running"
        })
        .await;
    id
}

#[tokio::test]
async fn a_browser_on_one_sees_and_stops_the_work_of_another_and_outlives_it() {
    let Some((runtime, worker, front)) = two().await else {
        return;
    };
    let engine = slow();
    front.engines.put(ENDPOINT, engine.clone());
    let admin = front.login("admin").await;
    let server = add(&admin).await;
    let mut live = admin.socket(None).await.expect("a connection");

    hear(&admin, &mut live, server).await;

    // The one in front runs nothing: what it tells its browser, it heard from the other.
    let pull = begin_pull(&admin, server, "app:1").await;
    let progress = live
        .until(|name, event| name == "docker_image_pull_progress" && event["operationId"] == pull.as_str())
        .await;
    assert_eq!(progress["operationId"], pull.as_str());
    admin
        .post(&format!("/operations/{pull}/cancel"), Value::Null)
        .await;
    let end = live
        .until(|name, event| name == "operation_error" && event["operationId"] == pull.as_str())
        .await;
    assert_eq!(
        (&end["operationId"], &end["status"]),
        (&json!(pull), &json!("cancelled"))
    );

    // The one that works dies in the middle of a pull.
    let pull = begin_pull(&admin, server, "app:2").await;
    runtime.shutdown_background();
    front.operations.start().await.expect("it starts");
    let path = format!("/operations/{pull}");
    assert_eq!(
        admin.get(&path).await.body["status"],
        "running",
        "its lease is not over yet"
    );
    front.at.pass(60);
    let end = live
        .until(|name, event| name == "operation_error" && event["operationId"] == pull.as_str())
        .await;
    assert_eq!(
        (&end["operationId"], &end["status"]),
        (&json!(pull), &json!("interrupted"))
    );
    let row = admin.get("/images?q=app:2").await;
    assert_ne!(row.body["items"][0]["status"], "PULLING", "{row:?}");

    // Its server is watched by the other now.
    engine.hold("moved/app:1").expect("held");
    admin
        .until("/images?q=moved/app", |images| images["total"] == 1)
        .await;
    let sync = admin.post("/images/sync", json!({"serverIds": [server]})).await;
    assert_eq!(
        admin.end_of(&sync).await["status"],
        "succeeded",
        "and its work is done"
    );
    front.stop().await;
    drop(worker);
}

#[tokio::test]
async fn an_upload_begun_on_one_is_continued_on_another() {
    let Some((runtime, worker, front)) = two().await else {
        return;
    };
    let tar = docker_archive(&[archives::image(&["team/app:1"], &[1], 30_000)]);
    let (length, half) = (tar.len(), tar.len() / 2);
    let admin = front.login("admin").await;
    let length = length.to_string();
    let headers = [("tus-resumable", "1.0.0"), ("upload-length", length.as_str())];
    let created = admin
        .raw("POST", "/api/v1/uploads", &headers, Body::empty())
        .await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    let path = created.header("location").to_owned();
    let part = |offset: usize| {
        [
            ("tus-resumable", "1.0.0".to_owned()),
            ("content-type", "application/offset+octet-stream".to_owned()),
            ("upload-offset", offset.to_string()),
        ]
    };
    let first = part(0);
    let first: Vec<(&str, &str)> = first
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let sent = admin
        .raw("PATCH", &path, &first, Body::from(tar[..half].to_vec()))
        .await;
    assert_eq!(sent.status, StatusCode::NO_CONTENT, "{sent:?}");
    let (other, rest, at) = (Arc::clone(&worker), tar[half..].to_vec(), path.clone());
    let continued = runtime.spawn(async move {
        let admin = other.login("admin").await;
        let second = part(half);
        let second: Vec<(&str, &str)> = second
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        admin.raw("PATCH", &at, &second, Body::from(rest)).await.status
    });
    assert_eq!(continued.await.expect("an answer"), StatusCode::NO_CONTENT);
    let contents = path.strip_prefix("/api/v1").expect("of this API");
    let contents = admin.get(&format!("{contents}/archive")).await;
    assert!(contents.body.to_string().contains("team/app:1"), "{contents:?}");
    front.stop().await;
    runtime.shutdown_background();
}

#[tokio::test]
async fn an_end_that_the_database_does_not_pass_on_is_told_when_it_does() {
    let Some((runtime, worker, front)) = two().await else {
        return;
    };
    front.engines.put(ENDPOINT, FakeEngine::seeded(1, 1));
    let admin = front.login("admin").await;
    let server = add(&admin).await;
    let mut live = admin.socket(None).await.expect("a connection");
    hear(&admin, &mut live, server).await;
    front.at.refuse_notifications().await;
    let sync = admin.post("/images/sync", json!({"serverIds": [server]})).await;
    assert_eq!(admin.end_of(&sync).await["status"], "succeeded");
    front.at.let_notifications_pass().await;
    let id = sync.body["id"].clone();
    live.until(|name, told| name == "operation_complete" && told["operationId"] == id)
        .await;
    assert_eq!(
        told_of(&live, &id).len(),
        2,
        "the last state of its step, then its end"
    );
    front.stop().await;
    runtime.shutdown_background();
    drop(worker);
}

#[tokio::test]
async fn a_restart_of_the_database_heals_by_itself() {
    let Some((runtime, worker, front)) = two().await else {
        return;
    };
    let engine = FakeEngine::seeded(1, 1);
    front.engines.put(ENDPOINT, engine.clone());
    let admin = front.login("admin").await;
    let server = add(&admin).await;
    let mut live = admin.socket(None).await.expect("a connection");
    let mut begun = Vec::new();
    for _ in 0..8 {
        // It may be refused: something is on its way when the connections end.
        let sync = admin.post("/images/sync", json!({"serverIds": [server]})).await;
        begun.extend(sync.body.get("id").cloned());
        front.at.lose_connections().await;
    }
    // A claim whose answer was lost with its connection stands until its lease is over.
    let patience = RunnerOptions::default().lease * 2;
    admin
        .until_within(patience, "/operations?active=true", |active| active["total"] == 0)
        .await;
    hear(&admin, &mut live, server).await;
    for id in &begun {
        live.until(|name, told| name == "operation_complete" && told["operationId"] == *id)
            .await;
        let told = told_of(&live, id);
        assert!(in_order(&told), "{told:?}");
    }
    engine.hold("after/app:1").expect("held");
    admin
        .until("/images?q=after/app", |images| images["total"] == 1)
        .await;
    front.stop().await;
    runtime.shutdown_background();
    drop(worker);
}

#[tokio::test]
async fn a_right_taken_at_one_is_taken_at_the_other_at_once() {
    let Some((runtime, worker, front)) = two().await else {
        return;
    };
    let there = worker.login("admin").await;
    // Connections are looked at from time to time too: that one ends in time would prove little.
    for name in ["eve", "mallory", "trudy"] {
        front.user(name, vec![everywhere("viewer")]).await;
        let client = front.login(name).await;
        let mut socket = client.socket(None).await.expect("let in");
        let users = there.get(&format!("/users?q={name}")).await.body;
        let path = format!("/users/{}", users["items"][0]["id"]);
        let disabled = there.patch(&path, json!({"disabled": true})).await;
        assert_eq!(disabled.status, StatusCode::OK, "{disabled:?}");
        socket.until_ended().await;
    }
    front.stop().await;
    runtime.shutdown_background();
    drop(worker);
}

#[tokio::test]
async fn what_steps_on_two_programs_tell_has_one_order() {
    let Some((runtime, worker, front)) = two().await else {
        return;
    };
    front.operations.start().await.expect("it starts");
    let admin = front.login("admin").await;
    let mut servers = Vec::new();
    for number in 0..8 {
        let endpoint = format!("unix:///run/{number}.sock");
        front.engines.put(&endpoint, FakeEngine::seeded(number, 2));
        servers.push(add_at(&admin, &format!("s{number}"), &endpoint).await);
    }
    let there = worker.login("admin").await;
    let mut lives = [
        admin.socket(None).await.expect("a connection"),
        there.socket(None).await.expect("a connection"),
    ];
    for live in &mut lives {
        hear(&admin, live, servers[0]).await;
    }
    let mut ended = Vec::new();
    for _ in 0..40 {
        let sync = admin.post("/images/sync", json!({"serverIds": servers})).await;
        let id = sync.body["id"].clone();
        for live in &mut lives {
            live.until(|name, told| name == "operation_complete" && told["operationId"] == id)
                .await;
        }
        ended.push(id);
    }
    for live in &mut lives {
        // What was late for the last ones would be there by then.
        hear(&admin, live, servers[0]).await;
        for id in &ended {
            let told = told_of(live, id);
            assert!(in_order(&told), "{told:?}");
            assert!(
                told.len() > servers.len(),
                "the last state of each step: {told:?}"
            );
        }
    }
    front.stop().await;
    runtime.shutdown_background();
    drop(there);
}

#[tokio::test]
async fn what_a_killed_program_left_half_written_is_removed_when_its_hold_is_over() {
    let Some((runtime, worker, front)) = two().await else {
        return;
    };
    let admin = front.login("admin").await;
    let upload = admin.upload(vec![7; 100]).await;
    let staged = front.archives.path().join(format!("uploads/{upload}/100-x#1"));
    std::fs::write(&staged, "half").expect("written");
    let file = std::fs::File::options()
        .write(true)
        .open(&staged)
        .expect("opened");
    file.set_modified(SystemTime::now() - Duration::from_mins(1))
        .expect("aged");
    let sweep = async || reconcilers::sweep(front.operations.deps()).await.expect("swept");
    worker.store().hold_upload(&upload, 20_000).await.expect("held");
    assert_eq!(sweep().await, Swept::AllButOthers, "the other writes it");
    assert!(staged.exists());

    front.at.pass(21);
    assert_eq!(sweep().await, Swept::All);
    assert!(!staged.exists());
    let kept = admin.get(&format!("/uploads/{upload}")).await;
    assert_eq!(kept.status, StatusCode::OK, "what was received stays: {kept:?}");
    front.stop().await;
    runtime.shutdown_background();
}

#[tokio::test]
async fn others_know_who_writes_an_upload() {
    let Some((runtime, worker, front)) = two().await else {
        return;
    };
    let admin = front.login("admin").await;
    let headers = [("tus-resumable", "1.0.0"), ("upload-length", "6")];
    let created = admin
        .raw("POST", "/api/v1/uploads", &headers, Body::empty())
        .await;
    let path = created.header("location").to_owned();
    let id = path.rsplit('/').next().expect("an id");
    let held = async || worker.store().is_upload_held(id).await.expect("read");
    assert!(!held().await);
    let part = [
        ("tus-resumable", "1.0.0"),
        ("content-type", "application/offset+octet-stream"),
        ("upload-offset", "0"),
    ];
    // The second half comes when the others know.
    let (other, upload) = (worker.store().clone(), id.to_owned());
    let bytes = stream::iter(["abc", "def"]).then(move |half| {
        let (other, upload) = (other.clone(), upload.clone());
        async move {
            while half == "def" && !other.is_upload_held(&upload).await.expect("read") {
                tokio::task::yield_now().await;
            }
            Ok::<_, Infallible>(half)
        }
    });
    let sent = admin.raw("PATCH", &path, &part, Body::from_stream(bytes)).await;
    assert_eq!(sent.status, StatusCode::NO_CONTENT, "{sent:?}");
    assert!(!held().await, "nobody writes any more");
    front.stop().await;
    runtime.shutdown_background();
}
