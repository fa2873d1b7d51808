//! Registry accounts through the real router, against the lab's real registries where it is up.

use axum::http::StatusCode;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, everywhere, grant};
use serde_json::json;

#[tokio::test]
async fn accounts_are_kept_without_showing_their_passwords() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let body = json!({"name": "r", "url": "https://R.example.com:5000/", "username": "ann", "password": "planted-secret", "namespace": "/team/"});
        let added = admin.post("/registries", body.clone()).await;
        assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
        assert_eq!(
            (&added.body["host"], &added.body["namespace"]),
            (&json!("r.example.com:5000"), &json!("team"))
        );
        assert_eq!(added.body["hasPassword"], true);
        assert_eq!(admin.post("/registries", body).await.code(), "name_taken");
        let path = format!("/registries/{}", added.body["id"]);
        let kept = admin
            .patch(&path, json!({"name": "s", "url": "https://r.example.com:5000"}))
            .await;
        assert_eq!(
            (&kept.body["name"], &kept.body["hasPassword"]),
            (&json!("s"), &json!(true))
        );
        let moved = admin
            .patch(&path, json!({"url": "https://other.example.com"}))
            .await;
        assert_eq!(
            moved.body["hasPassword"], false,
            "a password does not follow to another host"
        );
        for answer in [
            added,
            kept,
            moved,
            admin.get("/registries").await,
            admin.get("/audit").await,
        ] {
            assert!(!answer.body.to_string().contains("planted"), "{answer:?}");
        }
        assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert_eq!(admin.get(&path).await.status, StatusCode::NOT_FOUND);
        app.stop().await;
    }
}

#[tokio::test]
async fn wrong_fields_are_named_and_rights_asked() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    for (body, fields) in [
        (
            json!({"name": "a", "url": "http://r.example.com"}),
            vec!["plainHttp"],
        ),
        (
            json!({"name": " ", "url": "ftp://x", "username": "a:b", "ca": "no"}),
            vec!["name", "url", "username", "ca"],
        ),
        (
            json!({"name": "a", "url": "https://r.example.com", "namespace": "A b"}),
            vec!["namespace"],
        ),
    ] {
        let refused = admin.post("/registries", body.clone()).await;
        assert_eq!(
            (refused.status, refused.fields()),
            (StatusCode::UNPROCESSABLE_ENTITY, fields),
            "{body}"
        );
    }
    let added = admin
        .post(
            "/registries",
            json!({"name": "a", "url": "https://r.example.com"}),
        )
        .await;
    let path = format!("/registries/{}", added.body["id"]);
    app.user("viewer", vec![everywhere("viewer")]).await;
    app.user("operator", vec![everywhere("operator")]).await;
    for (who, sees) in [("viewer", StatusCode::FORBIDDEN), ("operator", StatusCode::OK)] {
        let client = app.login(who).await;
        assert_eq!(client.get("/registries").await.status, sees);
        assert_eq!(client.get(&path).await.status, sees);
        assert_eq!(
            client.patch(&path, json!({"name": "x"})).await.status,
            StatusCode::FORBIDDEN
        );
        assert_eq!(client.delete(&path).await.status, StatusCode::FORBIDDEN);
        assert_eq!(
            client.post(&format!("{path}/test"), json!({})).await.status,
            StatusCode::FORBIDDEN
        );
        let body = json!({"name": "b", "url": "https://r.example.com"});
        assert_eq!(
            client.post("/registries", body).await.status,
            StatusCode::FORBIDDEN
        );
    }
    assert_eq!(
        app.nobody().get("/registries").await.status,
        StatusCode::UNAUTHORIZED
    );
    app.stop().await;
}

#[tokio::test]
async fn a_real_registry_is_tested_and_browsed() {
    let Ok(registry) = std::env::var("IMAGEFLEET_LAB_REGISTRY") else {
        assert!(
            std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
            "the lab is required, but has no registry"
        );
        return;
    };
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let added = admin
        .post(
            "/registries",
            json!({"name": "lab", "url": format!("http://{registry}")}),
        )
        .await;
    assert_eq!(
        added.status,
        StatusCode::CREATED,
        "this machine's own needs no leave for plain HTTP: {added:?}"
    );
    let path = format!("/registries/{}", added.body["id"]);
    assert_eq!(
        admin.post(&format!("{path}/test"), json!({})).await.body["ok"],
        true
    );
    let none = admin
        .post(
            "/registries/test",
            json!({"name": "x", "url": "http://127.0.0.1:1"}),
        )
        .await;
    assert_eq!(
        (&none.body["ok"], &none.body["code"]),
        (&json!(false), &json!("registry_unreachable"))
    );
    let found = admin
        .get(&format!("{path}/repositories?q=demo&size=1&page=2"))
        .await
        .body;
    assert!(
        found["total"].as_u64().is_some_and(|total| total > 1)
            && found["items"].as_array().is_some_and(|i| i.len() == 1)
    );
    let tags = admin
        .get(&format!("{path}/tags?repository=library/nginx"))
        .await
        .body;
    assert!(
        tags["items"][0]["digest"]
            .as_str()
            .is_some_and(|digest| digest.starts_with("sha256:")),
        "{tags}"
    );
    assert_eq!(tags["items"][0]["platforms"], json!(["linux/amd64"]));
    assert_eq!(
        admin.get(&format!("{path}/tags?repository=no/such")).await.code(),
        "manifest_unknown"
    );
    assert_eq!(admin.get(&format!("{path}/tags")).await.fields(), ["repository"]);

    let pattern = format!("{registry}/library/*");
    app.user(
        "some",
        vec![grant(
            "operator",
            imagefleet_model::GrantServers {
                all: true,
                ..Default::default()
            },
            &pattern,
        )],
    )
    .await;
    let some = app.login("some").await;
    let seen = some.get(&format!("{path}/repositories?size=200")).await.body;
    let names: Vec<&str> = seen["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|i| i["name"].as_str())
        .collect();
    assert!(
        !names.is_empty() && names.iter().all(|name| name.starts_with("library/")),
        "{names:?}"
    );
    assert_eq!(
        some.get(&format!("{path}/tags?repository=demo/web")).await.status,
        StatusCode::NOT_FOUND
    );
    app.stop().await;
}
