//! What tests of images begin with.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use imagefleet_engine::fake::FakeEngine;
use serde_json::{Value, json};

use crate::app::{App, Client};

/// A server with a fake engine that holds these images and whose registry has `team/app:1`; its inventory is read.
///
/// # Panics
/// When it cannot be added: the test cannot run.
pub async fn server(app: &App, admin: &Client<'_>, name: &str, images: &[&str]) -> (FakeEngine, i64) {
    let engine = FakeEngine::seeded(1, 0);
    for image in images {
        engine.hold(image).expect("held");
    }
    engine
        .registry()
        .publish(&"team/app:1".parse().expect("a reference"));
    let id = looked_at(app, admin, name, engine.clone()).await;
    (engine, id)
}

/// Adds a server with this engine and waits until it was looked at; its id.
///
/// # Panics
/// When it is refused.
pub async fn looked_at(app: &App, admin: &Client<'_>, name: &str, engine: FakeEngine) -> i64 {
    let endpoint = format!("unix:///fake/{name}.sock");
    app.engines.put(&endpoint, engine);
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

/// Asks the Monitor API; status and envelope.
///
/// # Panics
/// When the answer is no JSON.
pub async fn monitor(
    client: &Client<'_>,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/monitor/system-soft-image{path}"))
        .header("content-type", "application/json")
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())));
    let answer = client.send(request.expect("a request")).await;
    let status = answer.status();
    let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&bytes).expect("an envelope"))
}
