//! What an outside tester of the contract met: each of these was wrong once.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use imagefleet_store::testing;
use imagefleet_tests::app::App;
use imagefleet_tests::images::{monitor, server};
use serde_json::{Value, json};

#[tokio::test]
async fn a_pull_with_an_account_shows_the_row_that_it_fills() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let (_, a) = server(&app, &admin, "a", &[]).await;
    let registry = admin
        .post(
            "/registries",
            json!({"name": "r", "url": "http://registry.example:5000", "plainHttp": true}),
        )
        .await;
    assert_eq!(registry.status, StatusCode::CREATED, "{registry:?}");
    let body =
        json!({"serverId": a, "imageName": "team/app", "imageTag": "1", "registryId": registry.body["id"]});
    let (status, pulling) = monitor(&admin, Method::POST, "/pull", Some(body)).await;
    assert_eq!(status, StatusCode::OK, "{pulling}");
    assert_eq!(
        pulling["data"]["systemSoftImageFullName"],
        "registry.example:5000/team/app:1"
    );
    app.stop().await;
}

#[tokio::test]
async fn the_monitors_name_filter_looks_at_names_alone() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let held = [
            "alpine:3",
            "nginx:alpine",
            "team/alpine-tools:1",
            "host.example:5000/ns/app:1.2",
        ];
        let (_, a) = server(&app, &admin, "a", &held).await;
        let names = async |query: &str| {
            let (_, answer) =
                monitor(&admin, Method::GET, &format!("/page?serverId={a}&{query}"), None).await;
            let rows = answer["data"]["records"].as_array().expect("an array").clone();
            rows.into_iter()
                .map(|row| row["systemSoftImageFullName"].clone())
                .collect::<Vec<Value>>()
        };
        assert_eq!(
            names("imageName=alpine").await,
            ["alpine:3", "team/alpine-tools:1"]
        );
        assert_eq!(names("keyword=alpine").await.len(), 3);
        assert_eq!(names("keyword=alpine&imageName=ngin").await, ["nginx:alpine"]);
        assert_eq!(names("imageName=nginx:alp").await, ["nginx:alpine"]);
        assert_eq!(
            names("imageName=example:5000/ns").await,
            ["host.example:5000/ns/app:1.2"]
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn the_monitor_api_reads_forms_and_names_its_own_fields() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let (_, a) = server(&app, &admin, "a", &[]).await;
    let send = async |path: &str, kind: &str, body: &str| {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/api/monitor/system-soft-image{path}"))
            .header("content-type", kind)
            .body(Body::from(body.to_owned()));
        let answer = admin.send(request.expect("a request")).await;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
        (
            status,
            serde_json::from_slice::<Value>(&bytes).expect("an envelope"),
        )
    };
    let form = format!("serverId={a}&imageName=team%2Fapp&imageTag=1");
    let (status, pulling) = send("/pull", "application/x-www-form-urlencoded", &form).await;
    assert_eq!(
        (status, &pulling["data"]["systemSoftImageFullName"]),
        (200, &json!("team/app:1"))
    );
    let (status, refused) = send(
        "/pull",
        "application/json",
        r#"{"serverId": 1, "imageName": "A B"}"#,
    )
    .await;
    let message = refused["msg"].as_str().expect("a sentence");
    assert!(
        status == 422 && message.contains("character ' '. Write"),
        "{message}"
    );
    let (status, refused) = send("/import", "application/json", "{}").await;
    let message = refused["msg"].as_str().expect("a sentence");
    assert!(
        status == 400 && message.contains("multipart/form-data"),
        "{message}"
    );
    app.stop().await;
}

#[tokio::test]
async fn lists_in_a_query_come_in_every_form() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let (_, a) = server(&app, &admin, "a", &["x:1"]).await;
    let (_, b) = server(&app, &admin, "b", &["x:1", "y:1"]).await;
    for query in [
        format!("serverId={a},{b}"),
        format!("serverId={a}&serverId={b}"),
        format!("serverId[]={a}&serverId[]={b}"),
    ] {
        let answer = admin.get(&format!("/images?{query}")).await;
        assert_eq!(answer.body["total"], 3, "{query}: {answer:?}");
    }
    let wrong = admin.get("/images?page=x").await;
    assert_eq!(
        (wrong.fields(), wrong.body["detail"].as_str()),
        (vec!["page"], Some("page: must be a whole number"))
    );
    app.stop().await;
}
