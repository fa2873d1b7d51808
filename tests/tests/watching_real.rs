//! What the docker command does to real engines shows up by itself: the events tell, the periodic look is minutes away.

use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use imagefleet_archive::build::docker_archive;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client};
use imagefleet_tests::archives::image;
use serde_json::json;

const ENGINES: [&str; 4] = ["DOCKER20", "DOCKER28", "CONTAINERD", "PODMAN"];

/// Runs the docker command on that engine, with something on its standard input.
fn docker(endpoint: &str, words: &[&str], input: &[u8]) {
    let (endpoint, words, input) = (endpoint.to_owned(), words.join("\u{1f}"), input.to_vec());
    let mut command = Command::new("docker");
    command
        .args(["-H", &endpoint])
        .args(words.split('\u{1f}'))
        .env("DOCKER_BUILDKIT", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let mut child = command.spawn().expect("docker runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("its input"), &input).expect("written");
    assert!(
        child.wait().expect("it ends").success(),
        "docker {words:?} on {endpoint}"
    );
}

/// Waits until the server holds an image of that tag in the repository, or does not. Podman may put a host before it.
async fn shown(admin: &Client<'_>, server: i64, name: &str, there: bool, began: Instant) {
    let path = format!("/images?serverId={server}&q={name}");
    admin.until(&path, |images| (images["total"] == 1) == there).await;
    println!(
        "{name} {} after {} ms",
        if there { "there" } else { "gone" },
        began.elapsed().as_millis()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn import_tag_build_load_and_remove_by_command_are_seen() {
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_millis();
    let repository = format!("watched/{seed:x}");
    let layer = image(&["x:1"], &[u64::try_from(seed).expect("fits")], 2_000).layers[0].clone();
    for engine in ENGINES {
        let Ok(endpoint) = std::env::var(format!("IMAGEFLEET_LAB_{engine}")) else {
            assert!(
                std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
                "IMAGEFLEET_LAB_REQUIRED is set, but IMAGEFLEET_LAB_{engine} is not"
            );
            return;
        };
        let added = admin
            .post("/servers", json!({"name": engine, "endpoint": endpoint}))
            .await;
        assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
        let server = added.body["id"].as_i64().expect("an id");
        admin
            .until(&format!("/servers/{server}"), |server| {
                server["lastSyncAt"].is_string()
            })
            .await;
        let name = |tag: &str| format!("{repository}:{tag}");
        let run = |words: &[&str], input: &[u8]| {
            docker(&endpoint, words, input);
            Instant::now()
        };
        let began = run(&["import", "-", &name("imported")], &layer);
        shown(&admin, server, &name("imported"), true, began).await;
        let began = run(&["tag", &name("imported"), &name("tagged")], b"");
        shown(&admin, server, &name("tagged"), true, began).await;
        let dockerfile = format!("FROM {}\nLABEL seed={seed}\n", name("imported"));
        let began = run(&["build", "-q", "-t", &name("built"), "-"], dockerfile.as_bytes());
        shown(&admin, server, &name("built"), true, began).await;
        let loaded = name("loaded");
        let archive = docker_archive(&[image(&[&loaded], &[7], 2_000)]);
        let began = run(&["load", "-q"], &archive);
        shown(&admin, server, &loaded, true, began).await;
        for tag in ["tagged", "built", "imported", "loaded"] {
            let began = run(&["rmi", &name(tag)], b"");
            shown(&admin, server, &name(tag), false, began).await;
        }
    }
    app.stop().await;
}
