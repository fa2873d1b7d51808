//! The queue through the real router: who may hold it, what waits for what, and who may read that.

use std::time::Duration;

use axum::http::StatusCode;
use imagefleet_engine::fake::{FakeEngine, FakeOptions};
use imagefleet_model::GrantServers;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, everywhere, grant};
use imagefleet_tests::images::looked_at;
use serde_json::{Value, json};

fn slow() -> FakeEngine {
    FakeEngine::new(FakeOptions {
        bytes_per_second: Some(1),
        ..FakeOptions::default()
    })
}

#[tokio::test]
async fn a_server_is_paused_and_resumed_by_who_manages_it() {
    let app = App::start(testing::sqlite().await).await;
    app.user("olga", vec![everywhere("operator")]).await;
    let admin = app.login("admin").await;
    let id = looked_at(&app, &admin, "a", FakeEngine::seeded(1, 1)).await;
    let olga = app.login("olga").await;
    let refused = olga.post(&format!("/servers/{id}/pause"), Value::Null).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    let paused = admin.post(&format!("/servers/{id}/pause"), Value::Null).await;
    assert_eq!(
        (paused.status, &paused.body["paused"]),
        (StatusCode::OK, &json!(true))
    );
    let pull = olga
        .post("/images/pull", json!({"reference": "nginx:1", "serverIds": [id]}))
        .await;
    assert_eq!(pull.status, StatusCode::ACCEPTED, "{pull:?}");
    let waiting = &pull.body["steps"][0]["waitingFor"];
    assert_eq!(waiting["code"], "server_paused", "{pull:?}");
    assert_eq!(waiting["message"], pull.body["steps"][0]["message"]);
    let resumed = admin.post(&format!("/servers/{id}/resume"), Value::Null).await;
    assert_eq!(resumed.body["paused"], false);
    assert_eq!(olga.end_of(&pull).await["status"], "succeeded");
    let lines = admin.get("/audit?action=server.pause").await;
    assert_eq!(
        lines.body["total"], 2,
        "also the refused one is written down: {lines:?}"
    );
    assert_eq!(
        admin.post("/servers/99/pause", Value::Null).await.code(),
        "server_not_found"
    );
    app.stop().await;
}

#[tokio::test]
async fn limits_and_windows_are_set_read_cleared_and_checked() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let window = json!({"from": "22:00", "until": "06:00", "timeZone": "Asia/Shanghai", "bulk": true});
    let body = json!({"name": "a", "endpoint": "unix:///run/a.sock", "stepLimit": 2, "offPeak": window});
    let added = admin.post("/servers", body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    assert_eq!(
        (&added.body["stepLimit"], &added.body["offPeak"]),
        (&json!(2), &window)
    );
    let path = format!("/servers/{}", added.body["id"]);
    let wrong = json!({"stepLimit": 0, "offPeak": {"from": "22:00", "until": "6", "timeZone": "UTC"}});
    let refused = admin.patch(&path, wrong).await;
    assert_eq!(
        (refused.status, refused.fields()),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["stepLimit", "offPeak"])
    );
    let cleared = admin
        .patch(&path, json!({"stepLimit": null, "offPeak": null}))
        .await;
    assert_eq!(
        (&cleared.body["stepLimit"], &cleared.body["offPeak"]),
        (&Value::Null, &Value::Null)
    );
    let pull = json!({"reference": "nginx:1", "serverIds": [added.body["id"]], "offPeak": true});
    let refused = admin.post("/images/pull", pull).await;
    assert_eq!(
        (refused.status, refused.fields()),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["offPeak"]),
        "{refused:?}"
    );

    let registry = json!({"name": "r", "url": "http://127.0.0.1:5000", "stepLimit": 3});
    let registry = admin.post("/registries", registry).await;
    assert_eq!(registry.body["stepLimit"], 3, "{registry:?}");
    let path = format!("/registries/{}", registry.body["id"]);
    assert_eq!(
        admin.patch(&path, json!({"stepLimit": 0})).await.fields(),
        ["stepLimit"]
    );
    assert_eq!(
        admin.patch(&path, json!({"stepLimit": null})).await.body["stepLimit"],
        Value::Null
    );
    app.stop().await;
}

#[tokio::test]
async fn what_a_step_waits_for_is_named_only_to_who_may_see_it() {
    let app = App::start(testing::sqlite().await).await;
    let all = GrantServers {
        all: true,
        ..GrantServers::default()
    };
    app.user("tim", vec![grant("operator", all, "team/*")]).await;
    let admin = app.login("admin").await;
    let id = looked_at(&app, &admin, "a", slow()).await;
    let blocking = admin
        .post(
            "/images/pull",
            json!({"reference": "secret/plan:1", "serverIds": [id]}),
        )
        .await;
    let blocking = blocking.body["id"].as_str().expect("an id").to_owned();
    admin
        .until(&format!("/operations/{blocking}"), |operation| {
            operation["status"] == "running"
        })
        .await;
    let tim = app.login("tim").await;
    let pull = tim
        .post(
            "/images/pull",
            json!({"reference": "team/app:1", "serverIds": [id]}),
        )
        .await;
    let path = format!("/operations/{}", pull.body["id"].as_str().expect("an id"));
    let seen = admin.get(&path).await.body["steps"][0]["waitingFor"].clone();
    assert_eq!(
        (&seen["code"], &seen["operationId"]),
        (&json!("server_busy"), &json!(blocking))
    );
    assert!(
        seen["title"]
            .as_str()
            .is_some_and(|title| title.contains("secret/plan:1"))
    );
    for answer in [
        tim.get(&path).await,
        tim.get("/operations?active=true").await,
        pull,
    ] {
        let text = answer.body.to_string();
        assert!(text.contains("server_busy") && !text.contains("secret"), "{text}");
    }
    admin
        .post(&format!("/operations/{blocking}/cancel"), Value::Null)
        .await;
    tim.post(&format!("{path}/cancel"), Value::Null).await;
    tokio::time::timeout(Duration::from_secs(20), app.stop())
        .await
        .expect("it ends");
}
