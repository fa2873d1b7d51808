//! Who hears of what: every live event, on both databases, and sockets that end with the right to them.

use std::time::Duration;

use axum::http::StatusCode;
use imagefleet_archive::build::docker_archive;
use imagefleet_engine::fake::FakeEngine;
use imagefleet_model::GrantServers;
use imagefleet_operations::Change;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client, grant};
use imagefleet_tests::archives::image;
use imagefleet_tests::live::Socket;
use serde_json::{Value, json};

/// All events that there are; another one has to be thought about here.
const EVENTS: [&str; 11] = [
    "containers_changed",
    "docker_container_status",
    "docker_image_export_progress",
    "docker_image_import_progress",
    "docker_image_pull_progress",
    "images_changed",
    "operation_complete",
    "operation_error",
    "operation_progress",
    "server_changed",
    "software_sync_progress",
];

async fn add_server(app: &App, admin: &Client<'_>, name: &str, images: &[&str]) -> i64 {
    let engine = FakeEngine::seeded(1, 0);
    for image in images {
        engine.hold(image).expect("held");
    }
    let endpoint = format!("unix:///fake/{name}.sock");
    app.engines.put(&endpoint, engine);
    let body = json!({"name": name, "endpoint": endpoint});
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

fn on(id: i64) -> GrantServers {
    GrantServers {
        ids: vec![id],
        ..GrantServers::default()
    }
}

/// A bit of everything on a server; what comes of it does not matter.
async fn everything(admin: &Client<'_>, server: i64) {
    let ids = async |q: &str| {
        let found = admin.get(&format!("/images?q={q}")).await.body;
        let rows = found["items"].as_array().into_iter().flatten();
        rows.filter_map(|row| row["id"].as_i64()).collect::<Vec<_>>()
    };
    let zebra = ids("zebra").await;
    let archive = docker_archive(&[image(&["zebra/in:1"], &[1], 9), image(&["zebra/in:2"], &[2], 9)]);
    let upload = admin.upload(archive).await;
    let one = zebra[0];
    for (path, body) in [
        (
            "/images/pull".to_owned(),
            json!({"reference": "zebra/new:1", "serverIds": [server]}),
        ),
        (
            "/images/pull".to_owned(),
            json!({"reference": "missing/zebra:1", "serverIds": [server]}),
        ),
        ("/images/export".to_owned(), json!({"imageIds": zebra})),
        (
            "/images/import".to_owned(),
            json!({"uploadId": upload, "serverIds": [server]}),
        ),
        (format!("/images/{one}/tag"), json!({"reference": "zebra/web:2"})),
        (format!("/images/{one}/containers"), json!({"name": "zebra-1"})),
        (
            "/images/delete".to_owned(),
            json!({"imageIds": zebra, "force": true}),
        ),
    ] {
        let begun = admin.post(&path, body).await;
        admin.end_of(&begun).await;
    }
    let described = json!({"description": "changed"});
    admin.patch(&format!("/servers/{server}"), described).await;
}

#[tokio::test]
async fn events_reach_those_who_may_see_the_server_and_the_repository() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let here = add_server(
            &app,
            &admin,
            "quagga",
            &["zebra/web:1", "zebra/old:1", "team/app:1"],
        )
        .await;
        let there = add_server(&app, &admin, "other", &[]).await;
        for (name, grants) in [
            ("viewer", vec![grant("viewer", on(here), "*")]),
            ("elsewhere", vec![grant("operator", on(there), "*")]),
            ("narrow", vec![grant("operator", on(here), "team/*")]),
            ("nothing", vec![]),
        ] {
            app.user(name, grants).await;
        }
        let names = ["admin", "viewer", "elsewhere", "narrow", "nothing"];
        let mut clients = Vec::new();
        for name in names {
            clients.push(app.login(name).await);
        }
        let mut sockets = Vec::new();
        for client in &clients {
            sockets.push(client.socket(None).await.expect("let in"));
        }
        everything(&admin, here).await;
        // Events keep their order: once the last has come, all before it have.
        let last = admin
            .post("/images/sync", json!({"serverIds": [here, there]}))
            .await;
        let last = admin.end_of(&last).await["id"].clone();
        for (socket, name) in sockets.iter_mut().zip(names) {
            if name != "nothing" {
                socket
                    .until(|event, payload| event == "operation_complete" && payload["operationId"] == last)
                    .await;
            }
        }
        let [all, viewer, elsewhere, narrow, nothing] = &sockets[..] else {
            panic!("five of them")
        };
        for socket in [all, viewer] {
            let mut names = socket.names();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names, EVENTS);
        }
        assert_eq!(nothing.events, [], "no rights, no events");
        for (name, payload) in &elsewhere.events {
            assert!(payload["serverId"] != json!(here), "{name}: {payload}");
            assert!(!tells(payload, &["zebra", "quagga"]), "{name}: {payload}");
        }
        for (name, payload) in &narrow.events {
            assert!(!tells(payload, &["zebra"]), "{name}: {payload}");
        }
        assert!(
            narrow.names().contains(&"docker_image_import_progress"),
            "they hear that the server is busy"
        );
        app.stop().await;
    }
}

fn tells(payload: &Value, words: &[&str]) -> bool {
    let text = payload.to_string();
    words.iter().any(|word| text.contains(word))
}

#[tokio::test]
async fn a_connection_ends_with_what_opened_it() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        for name in ["eve", "bob"] {
            app.user(name, vec![imagefleet_tests::app::everywhere("viewer")])
                .await;
        }
        let (eve, phone, bob) = (
            app.login("eve").await,
            app.login("eve").await,
            app.login("bob").await,
        );
        let token = eve.post("/tokens", json!({"name": "t"})).await.body;
        let secret = token["token"].as_str().expect("a secret");
        let nobody = app.nobody();
        for refused in [None, Some("ift_wrong"), Some("")] {
            let error = nobody.socket(refused).await.err().expect("refused");
            assert!(error.contains("unauthenticated"), "{error}");
        }
        let mut by_token = nobody.socket(Some(secret)).await.expect("let in");
        let mut by_cookie = eve.socket(None).await.expect("let in");
        let mut by_phone = phone.socket(None).await.expect("let in");
        let mut by_bob = bob.socket(None).await.expect("let in");

        let gone = eve.delete(&format!("/tokens/{}", token["id"])).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        by_token.until_ended().await;
        assert!(nobody.socket(Some(secret)).await.is_err());
        assert_eq!(phone.delete("/session").await.status, StatusCode::NO_CONTENT);
        by_phone.until_ended().await;
        let users = admin.get("/users?q=eve").await.body;
        let path = format!("/users/{}", users["items"][0]["id"]);
        let disabled = admin.patch(&path, json!({"disabled": true})).await;
        assert_eq!(disabled.status, StatusCode::OK);
        by_cookie.until_ended().await;
        assert!(eve.socket(None).await.is_err());

        // Others hear on.
        let server = add_server(&app, &admin, "a", &[]).await;
        heard(&mut by_bob, server).await;
        app.stop().await;
    }
}

async fn heard(socket: &mut Socket<'_>, server: i64) {
    socket
        .until(|event, payload| event == "server_changed" && payload["serverId"] == json!(server))
        .await;
}

#[tokio::test]
async fn a_right_given_or_taken_is_heard_at_once() {
    for at in testing::stores().await {
        a_right_moves(App::start(at).await).await;
    }
}

async fn a_right_moves(app: App) {
    let admin = app.login("admin").await;
    let (first, second) = (
        add_server(&app, &admin, "a", &[]).await,
        add_server(&app, &admin, "b", &[]).await,
    );
    app.user("eve", vec![grant("viewer", on(first), "*")]).await;
    let eve = app.login("eve").await;
    let mut socket = eve.socket(None).await.expect("let in");
    let change = async |server: i64, text: &str| {
        let path = format!("/servers/{server}");
        admin.patch(&path, json!({"description": text})).await;
    };
    change(second, "unheard").await;
    change(first, "heard").await;
    heard(&mut socket, first).await;
    assert!(
        !socket
            .events
            .iter()
            .any(|(_, payload)| payload["serverId"] == json!(second))
    );
    let users = admin.get("/users?q=eve").await.body;
    let path = format!("/users/{}", users["items"][0]["id"]);
    let grants = json!([{"role": "viewer", "servers": {"ids": [second]}, "repositories": ["*"]}]);
    admin.patch(&path, json!({"grants": grants})).await;
    change(first, "no longer heard").await;
    change(second, "heard").await;
    heard(&mut socket, second).await;
    let after = socket
        .events
        .iter()
        .filter(|(name, payload)| name == "server_changed" && payload["serverId"] == json!(first));
    assert_eq!(after.count(), 1, "what was told before");
    socket.events.clear();
    change(first, "no longer heard").await;
    let begun = admin.post("/images/sync", json!({"serverIds": [second]})).await;
    let id = admin.end_of(&begun).await["id"].clone();
    socket
        .until(|event, payload| event == "operation_complete" && payload["operationId"] == id)
        .await;
    assert!(
        !socket
            .events
            .iter()
            .any(|(_, payload)| payload["serverId"] == json!(first))
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_the_rights_loses_no_event() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    // One of which nobody else tells anything.
    let server = 4_242;
    let mut sockets = Vec::new();
    for _ in 0..50 {
        sockets.push(admin.socket(None).await.expect("let in"));
    }
    for round in 1..=8 {
        for _ in 0..200 {
            // Each has the rights of every socket looked at, while others are sent.
            app.operations.deps().changed(Change::Server(server));
            admin.get("/software/1").await;
        }
        app.operations.deps().changed(Change::Containers(server));
        for socket in &mut sockets {
            socket.until(|event, _| event == "containers_changed").await;
            let told = socket
                .names()
                .into_iter()
                .filter(|event| *event == "server_changed");
            assert_eq!(told.count(), 200, "in round {round}");
            socket.events.clear();
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn who_connects_while_the_database_is_away_is_let_in_when_it_is_back() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        app.at.take_sessions_away().await;
        let mut connecting = std::pin::pin!(admin.socket(None));
        // A refusal would come at once, and no official client comes back by itself after one.
        tokio::select! {
            answer = &mut connecting => panic!("answered: {:?}", answer.map(|_| "let in")),
            () = tokio::time::sleep(Duration::from_millis(300)) => {}
        }
        app.at.give_sessions_back().await;
        let mut socket = connecting.await.expect("let in");
        let server = add_server(&app, &admin, "a", &[]).await;
        heard(&mut socket, server).await;
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_in_while_the_key_is_taken_away_does_not_stay() {
    let app = App::start(testing::sqlite().await).await;
    let (admin, nobody) = (app.login("admin").await, app.nobody());
    for round in 0..100 {
        let token = admin
            .post("/tokens", json!({"name": format!("t{round}")}))
            .await
            .body;
        let path = format!("/tokens/{}", token["id"]);
        let came = nobody.socket(token["token"].as_str());
        let (gone, came) = tokio::join!(admin.delete(&path), came);
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        // Connections are looked at from time to time too, but not that soon.
        if let Ok(mut socket) = came {
            socket.until_ended().await;
        }
    }
    app.stop().await;
}
