//! Secrets of every kind are planted, used, and then looked for: in the database, in the log at its most talkative, in
//! every answer and event.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use imagefleet_engine::fake::FakeEngine;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client, PASSWORD};
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

/// All that is logged, from every library too.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What is looked for, each with the places where it may not be.
struct Planted(Vec<(&'static str, String)>);

impl Planted {
    fn look(&self, place: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for (what, secret) in &self.0 {
            for form in [secret.clone(), STANDARD.encode(secret), URL_SAFE.encode(secret)] {
                let form = form.trim_end_matches('=');
                let found = text.find(form).map(|at| {
                    let from = text[..at].char_indices().rev().nth(120).map_or(0, |(at, _)| at);
                    text[from..at].to_owned()
                });
                assert!(found.is_none(), "{what} is in {place}, after: {found:?}");
            }
        }
    }
}

/// What the database holds: the file and its log byte for byte, or every row as text.
async fn database(at: &testing::TestStore) -> Vec<u8> {
    if let Some(path) = at.url.strip_prefix("sqlite://") {
        let mut bytes = std::fs::read(path).expect("the file");
        bytes.extend(std::fs::read(format!("{path}-wal")).unwrap_or_default());
        return bytes;
    }
    at.dump().await.into_bytes()
}

async fn made(admin: &Client<'_>, path: &str, body: Value) -> String {
    let made = admin.post(path, body).await;
    assert!(made.status.is_success(), "{path}: {made:?}");
    made.body["id"].to_string()
}

/// Plants one of each through the API.
async fn plant(app: &App, admin: &Client<'_>, planted: &mut Planted) {
    let secret = |what: &'static str, planted: &mut Planted| {
        let text = format!("planted/{what}+{}", URL_SAFE_NO_PAD.encode(what));
        planted.0.push((what, text.clone()));
        text
    };
    let engine = FakeEngine::seeded(1, 0);
    engine.hold("team/app:1").expect("held");
    app.engines.put("unix:///a.sock", engine);
    let server = made(
        admin,
        "/servers",
        json!({"name": "a", "endpoint": "unix:///a.sock"}),
    )
    .await;
    let key = format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
        secret("ssh-key", planted)
    );
    let jump_key = format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
        secret("jump-key", planted)
    );
    let ssh = json!({
        "privateKey": key, "passphrase": secret("ssh-passphrase", planted), "password": secret("ssh-password", planted),
        "jump": {"endpoint": "ssh://u@127.0.0.1:1", "privateKey": jump_key, "password": secret("jump-password", planted)},
    });
    let over_ssh = made(
        admin,
        "/servers",
        json!({"name": "s", "endpoint": "ssh://u@127.0.0.1:1", "ssh": ssh}),
    )
    .await;
    admin.post(&format!("/servers/{over_ssh}/test"), json!({})).await;
    let wrong =
        json!({"endpoint": "ssh://u@127.0.0.1:1", "ssh": {"password": secret("tried-password", planted)}});
    admin.post("/servers/test", wrong).await;
    let registry = json!({"name": "r", "url": "http://127.0.0.1:1", "username": "u",
                          "password": secret("registry-password", planted)});
    let registry = made(admin, "/registries", registry).await;
    admin
        .post(&format!("/registries/{registry}/test"), json!({}))
        .await;
    admin
        .get(&format!("/registries/{registry}/tags?repository=a/b"))
        .await;
    let pull =
        json!({"reference": "127.0.0.1:1/a/b:1", "serverIds": [server.parse::<i64>().expect("an id")]});
    admin.end_of(&admin.post("/images/pull", pull).await).await;
    let user = json!({"username": "eve", "password": secret("user-password", planted),
                      "grants": [{"role": "viewer", "servers": {"all": true}, "repositories": ["*"]}]});
    made(admin, "/users", user).await;
    let guess = json!({"username": "eve", "password": secret("guessed-password", planted)});
    app.nobody().post("/session", guess).await;

    let image = admin.until("/images?q=team/app", |page| page["total"] == 1).await;
    let image = image["items"][0]["id"].clone();
    let env = json!({"DB_PASSWORD": secret("container-env", planted), "URL": format!("db://u:{}@db", secret("container-url", planted))});
    let form = json!({"name": "cc", "env": env, "command": ["run", "--password", secret("container-argument", planted)]});
    let begun = admin.post(&format!("/images/{image}/containers"), form).await;
    assert_eq!(admin.end_of(&begun).await["status"], "succeeded");
    // One that does not come to its end keeps its form for a retry.
    let late = json!({"name": "late", "start": false, "env": {"A_TOKEN": secret("kept-env", planted)}});
    let begun = admin.post(&format!("/images/{image}/containers"), late).await;
    admin.end_of(&begun).await;
    let token = admin.post("/tokens", json!({"name": "t"})).await;
    let token = token.body["token"].as_str().expect("a secret").to_owned();
    let bearer = format!("Bearer {token}");
    app.nobody()
        .raw("GET", "/api/v1/images", &[("authorization", &bearer)], "")
        .await;
    planted.0.push(("token", token));
    planted.0.push(("password of everybody", PASSWORD.to_owned()));
    planted
        .0
        .push(("session cookie", admin.cookie_value().to_owned()));
}

/// Everything that can be read, by who may read everything.
async fn read_all(admin: &Client<'_>) -> String {
    let mut all = String::new();
    let document = admin.get("/openapi.json").await.body;
    for (path, item) in document["paths"].as_object().expect("paths") {
        if item.get("get").is_none() {
            continue;
        }
        for id in ["1", "2", "3"] {
            let path = path.replace("{id}", id);
            let query = match path.as_str() {
                "/api/v1/audit/export" => "?format=jsonl",
                // Who may manage a container may read its environment: that is asked for by name.
                path if path.ends_with("/stats") => "?stream=false",
                _ => "?size=200",
            };
            let answer = admin.raw("GET", &format!("{path}{query}"), &[], "").await;
            let _ = writeln!(all, "{path}: {}", String::from_utf8_lossy(&answer.bytes));
            if !path.contains("/1") && id == "1" {
                break;
            }
        }
    }
    let operations = admin.get("/operations?size=200").await.body;
    for operation in operations["items"].as_array().into_iter().flatten() {
        let id = operation["id"].as_str().unwrap_or_default();
        let _ = writeln!(all, "{}", admin.get(&format!("/operations/{id}")).await.body);
    }
    all
}

#[tokio::test]
async fn planted_secrets_are_found_nowhere() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    // Also for threads that work beside the test.
    tracing::subscriber::set_global_default(subscriber).expect("the only one of this program");
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let mut socket = admin.socket(None).await.expect("let in");
        let mut planted = Planted(Vec::new());
        plant(&app, &admin, &mut planted).await;
        planted.look("the answers", read_all(&admin).await.as_bytes());
        let begun = admin.post("/images/sync", json!({"serverIds": [1]})).await;
        let last = admin.end_of(&begun).await["id"].clone();
        socket
            .until(|event, payload| event.starts_with("operation_") && payload["operationId"] == last)
            .await;
        for (name, payload) in &socket.events {
            planted.look(name, payload.to_string().as_bytes());
        }
        planted.look("the database", &database(&app.at).await);
        let logged = log.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        assert!(logged.len() > 10_000, "the log is written");
        planted.look("the log", &logged);
        app.stop().await;
    }
}
