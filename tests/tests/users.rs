//! Users, roles, grants and the audit log, through the real router.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use imagefleet_engine::fake::FakeEngine;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client, PASSWORD, everywhere};
use serde_json::{Value, json};

async fn server(app: &App, admin: &Client<'_>, name: &str, tags: &[&str]) -> i64 {
    let endpoint = format!("unix:///fake/{name}.sock");
    app.engines.put(&endpoint, FakeEngine::seeded(1, 3));
    let body = json!({"name": name, "endpoint": endpoint, "tags": tags});
    let id = admin.post("/servers", body).await.body["id"]
        .as_i64()
        .expect("an id");
    admin
        .until(&format!("/servers/{id}"), |server| server["imageCount"] == 3)
        .await;
    id
}

#[tokio::test]
async fn the_last_admin_stays() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let id = admin.get("/session").await.body["user"]["id"]
            .as_i64()
            .expect("an id");
        let path = format!("/users/{id}");
        let viewer = json!([{"role": "viewer", "servers": {"all": true}, "repositories": ["*"]}]);
        let narrow = json!([{"role": "admin", "servers": {"ids": [1]}, "repositories": ["*"]}]);
        for change in [
            json!({"disabled": true}),
            json!({"grants": []}),
            json!({"grants": viewer}),
            json!({"grants": narrow}),
        ] {
            let answer = admin.patch(&path, change.clone()).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::CONFLICT, "conflict"),
                "{change}"
            );
        }
        assert_eq!(admin.delete(&path).await.status, StatusCode::CONFLICT);
        assert_eq!(
            admin.get("/session").await.status,
            StatusCode::OK,
            "nothing of it was stored"
        );

        app.user("second", vec![everywhere("admin")]).await;
        assert_eq!(
            admin.patch(&path, json!({"disabled": true})).await.status,
            StatusCode::OK
        );
        assert_eq!(
            admin.get("/session").await.status,
            StatusCode::UNAUTHORIZED,
            "ended at once"
        );
        let refused = app
            .nobody()
            .post("/session", json!({"username": "admin", "password": PASSWORD}))
            .await;
        assert_eq!(refused.code(), "bad_credentials");
        app.stop().await;
    }
}

#[tokio::test]
async fn users_are_checked_and_never_tell_their_password() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let grants = json!([{"role": "operator", "servers": {"tags": ["prod"]}, "repositories": ["team/*"]}]);
        let body = json!({"username": "eve", "password": "eve's password", "grants": grants});
        let made = admin.post("/users", body.clone()).await;
        assert_eq!(
            (made.status, &made.body["grants"]),
            (StatusCode::CREATED, &grants)
        );
        let shown = admin.get("/users").await.body.to_string();
        assert!(!shown.contains("argon2") && !shown.contains("eve's password"));
        assert_eq!(admin.post("/users", body).await.code(), "name_taken");
        let same = json!({"username": "EVE", "password": "eve's password"});
        assert_eq!(
            admin.post("/users", same).await.code(),
            "name_taken",
            "names are one in any case"
        );
        for (wrong, field) in [
            (json!({"username": "", "password": "long enough"}), "username"),
            (json!({"username": "a b", "password": "long enough"}), "username"),
            (json!({"username": "bob", "password": "short"}), "password"),
            (json!({"username": "bob"}), "password"),
            (
                json!({"username": "bob", "password": "long enough", "grants": [{"role": "viewer"}]}),
                "grants[0].servers",
            ),
            (
                json!({"username": "bob", "password": "long enough",
                       "grants": [{"role": "viewer", "servers": {"all": true}, "repositories": []}]}),
                "grants[0].repositories",
            ),
        ] {
            let answer = admin.post("/users", wrong.clone()).await;
            assert_eq!(
                (answer.status, answer.fields()),
                (StatusCode::UNPROCESSABLE_ENTITY, vec![field]),
                "{wrong}"
            );
        }
        let unknown = json!({"username": "bob", "password": "long enough",
                             "grants": [{"role": "king", "servers": {"all": true}}]});
        assert_eq!(
            admin.post("/users", unknown).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn a_right_given_or_taken_holds_with_the_next_request() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let (tagged, other) = (
            server(&app, &admin, "a", &["prod"]).await,
            server(&app, &admin, "b", &[]).await,
        );
        let role = json!({"name": "puller", "verbs": ["image:view", "image:pull"]});
        assert_eq!(admin.post("/roles", role).await.status, StatusCode::CREATED);
        let grants = json!([{"role": "puller", "servers": {"tags": ["prod"]}, "repositories": ["*"]}]);
        let made = admin
            .post(
                "/users",
                json!({"username": "eve", "password": PASSWORD, "grants": grants}),
            )
            .await;
        let user = format!("/users/{}", made.body["id"]);
        let eve = app.login("eve").await;

        let seen = async || {
            let servers = eve.get("/servers").await.body;
            let images = eve.get("/images?size=1").await.body["total"].clone();
            (servers["total"].clone(), images)
        };
        assert_eq!(seen().await, (json!(1), json!(3)));
        assert_eq!(
            eve.get(&format!("/servers/{other}")).await.status,
            StatusCode::NOT_FOUND
        );
        let sync = json!({"serverIds": [tagged]});
        assert_eq!(
            eve.post("/images/sync", sync.clone()).await.status,
            StatusCode::ACCEPTED
        );
        assert_eq!(
            eve.post("/images/sync", json!({"serverIds": [tagged, other]}))
                .await
                .code(),
            "server_not_found"
        );

        // The other server gets the tag; the role loses a verb; the grant goes.
        admin
            .patch(&format!("/servers/{other}"), json!({"tags": ["prod", "x"]}))
            .await;
        assert_eq!(seen().await, (json!(2), json!(6)));
        assert_eq!(
            admin
                .patch("/roles/puller", json!({"verbs": ["image:view"]}))
                .await
                .status,
            StatusCode::OK
        );
        assert_eq!(eve.post("/images/sync", sync.clone()).await.code(), "forbidden");
        assert_eq!(
            admin.delete("/roles/puller").await.status,
            StatusCode::CONFLICT,
            "somebody holds it"
        );
        assert_eq!(
            admin.patch(&user, json!({"grants": []})).await.status,
            StatusCode::OK
        );
        assert_eq!(seen().await, (json!(0), json!(0)));
        assert_eq!(eve.post("/images/sync", sync).await.code(), "server_not_found");
        assert_eq!(admin.delete("/roles/puller").await.status, StatusCode::NO_CONTENT);
        for builtin in ["admin", "operator", "viewer"] {
            assert_eq!(
                admin.delete(&format!("/roles/{builtin}")).await.status,
                StatusCode::CONFLICT
            );
            let changed = admin
                .patch(&format!("/roles/{builtin}"), json!({"verbs": []}))
                .await;
            assert_eq!(changed.status, StatusCode::CONFLICT);
        }
        app.stop().await;
    }
}

#[tokio::test]
async fn everything_that_changes_something_is_in_the_audit_log() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let wrong = json!({"username": "admin", "password": "wrong"});
        app.nobody().post("/session", wrong).await;
        let admin = app.login("admin").await;
        let id = server(&app, &admin, "a", &[]).await;
        app.user("eve", vec![everywhere("viewer")]).await;
        let eve = app.login("eve").await;
        let begun = admin.post("/images/sync", json!({"serverIds": [id]})).await;
        admin.end_of(&begun).await;
        eve.post("/images/sync", json!({"serverIds": [id]})).await;
        admin
            .post(
                "/images/pull",
                json!({"reference": "=cmd|x:1", "serverIds": [id]}),
            )
            .await;

        let lines = admin.get("/audit?size=200").await.body;
        let find = |action: &str, user: &str, outcome: &str| {
            let rows = lines["items"].as_array().expect("rows");
            let found = rows
                .iter()
                .find(|row| row["action"] == action && row["username"] == user && row["outcome"] == outcome);
            found
                .cloned()
                .unwrap_or_else(|| panic!("no {action} of {user} {outcome} in {lines}"))
        };
        assert_eq!(
            find("session.login", "admin", "refused")["code"],
            "bad_credentials"
        );
        find("session.login", "admin", "ok");
        let sync = find("image.sync", "admin", "ok");
        assert_eq!(
            (&sync["serverId"], &sync["serverName"]),
            (&json!(id), &json!("a"))
        );
        assert_eq!(
            (&sync["operationId"], &sync["address"]),
            (&begun.body["id"], &json!("127.0.0.1"))
        );
        assert!(sync["at"].is_string() && sync["requestId"].is_string());
        let ended = find("operation.end", "admin", "ok");
        assert_eq!(
            (&ended["serverName"], &ended["operationId"]),
            (&json!("a"), &begun.body["id"]),
            "how it ended, too"
        );
        // What is refused before it is named has method and route.
        assert_eq!(
            find("POST /api/v1/images/sync", "eve", "refused")["code"],
            "forbidden"
        );
        assert_eq!(
            find("POST /api/v1/images/pull", "admin", "failed")["code"],
            "invalid_reference"
        );
        assert!(!lines.to_string().contains(PASSWORD));

        let total = async |query: &str| admin.get(&format!("/audit?{query}")).await.body["total"].clone();
        assert_eq!(total("username=eve&outcome=refused").await, json!(1));
        assert_eq!(total("q=INVALID").await, json!(0), "codes are no text to search");
        assert_eq!(total("action=image.sync").await, json!(1));
        assert_eq!(total(&format!("serverId={id}&action=image.sync")).await, json!(1));
        assert_eq!(total("to=2001-01-01T00:00:00Z").await, json!(0));
        assert_eq!(admin.get("/audit?outcome=maybe").await.fields(), ["outcome"]);
        assert_eq!(eve.get("/audit").await.status, StatusCode::FORBIDDEN);
        for method in [axum::http::Method::DELETE, axum::http::Method::PATCH] {
            let tried = admin.call(method, "/audit", None).await;
            assert_eq!(tried.status, StatusCode::METHOD_NOT_ALLOWED, "append-only");
        }
        exports(&admin).await;
        app.stop().await;
    }
}

async fn exports(admin: &Client<'_>) {
    let file = async |format: &str| {
        let request = Request::get(format!("/api/v1/audit/export?format={format}")).body(Body::empty());
        let answer = admin.send(request.expect("a request")).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
        String::from_utf8(bytes.to_vec()).expect("text")
    };
    let total = admin.get("/audit?size=1").await.body["total"]
        .as_u64()
        .expect("a number");
    let lines = file("jsonl").await;
    let parsed: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(parsed.len() as u64, total + 1, "who takes the log away is in it");
    assert_eq!(parsed[0]["action"], "audit.export");
    let csv = file("csv").await;
    assert!(csv.starts_with("at,username,") && csv.matches("\r\n").count() as u64 == total + 3);
    assert_eq!(admin.get("/audit/export?format=xml").await.fields(), ["format"]);
}
