//! Registry accounts through the real router, against the lab's real registries where it is up.

use std::time::{SystemTime, UNIX_EPOCH};

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
        let told = admin.get("/audit?action=registry.delete").await.body;
        assert_eq!(
            told["items"][0]["subject"], "s",
            "its number means nothing any more: {told}"
        );
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

fn lab(name: &str) -> Option<String> {
    let value = std::env::var(format!("IMAGEFLEET_LAB_{name}")).ok();
    assert!(
        value.is_some() || std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
        "the lab is required, but has no {name}"
    );
    value
}

#[tokio::test]
async fn a_private_registry_is_tested_and_told_apart() {
    let (Some(private), Some(secure), Some(ca)) = (lab("REGISTRY_AUTH"), lab("REGISTRY_TLS"), lab("TLS_CA"))
    else {
        return;
    };
    let [host, user, password] = private.split(',').collect::<Vec<_>>()[..] else {
        panic!("host,user,password")
    };
    let ca = std::fs::read_to_string(ca).expect("the lab's CA");
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let http = format!("http://{host}");
    for (what, body, code) in [
        (
            "right",
            json!({"url": http, "username": user, "password": password}),
            None,
        ),
        (
            "login",
            json!({"url": http, "username": user, "password": "wrong"}),
            Some("bad_credentials"),
        ),
        ("no login", json!({"url": http}), Some("registry_denied")),
        (
            "name",
            json!({"url": "https://no-such-registry.invalid"}),
            Some("registry_name_unresolved"),
        ),
        (
            "nobody",
            json!({"url": "http://127.0.0.1:1"}),
            Some("registry_unreachable"),
        ),
        (
            "no TLS there",
            json!({"url": format!("https://{host}")}),
            Some("registry_tls_failed"),
        ),
        (
            "unknown CA",
            json!({"url": format!("https://{secure}")}),
            Some("registry_tls_failed"),
        ),
        (
            "own CA",
            json!({"url": format!("https://{secure}"), "ca": ca}),
            None,
        ),
    ] {
        let mut body = body;
        body["name"] = json!("x");
        let tested = admin.post("/registries/test", body).await;
        assert_eq!(tested.status, StatusCode::OK, "{what}: {tested:?}");
        assert_eq!(
            (&tested.body["ok"], tested.body["code"].as_str()),
            (&json!(code.is_none()), code),
            "{what}: {tested:?}"
        );
        assert!(!tested.body.to_string().contains(password), "{what}");
    }
    // Its account is refused, not our session: a page that is told 401 asks to log in again.
    let wrong =
        json!({"name": "wrong", "url": http, "username": user, "password": "wrong", "plainHttp": true});
    let wrong = admin.post("/registries", wrong).await;
    for what in ["repositories", "tags?repository=demo/web"] {
        let asked = admin
            .get(&format!("/registries/{}/{what}", wrong.body["id"]))
            .await;
        assert_eq!(
            (asked.status.as_u16(), asked.code()),
            (502, "bad_credentials"),
            "{asked:?}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn pulls_and_pushes_go_with_the_account_that_is_chosen_or_fits_best() {
    let (Some(private), Some(engine)) = (lab("REGISTRY_AUTH"), lab("DOCKER28")) else {
        return;
    };
    let [host, user, password] = private.split(',').collect::<Vec<_>>()[..] else {
        panic!("host,user,password")
    };
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let server = json!({"name": "a", "endpoint": engine});
    let server = admin.post("/servers", server).await.body["id"].clone();
    admin
        .until(&format!("/servers/{server}"), |server| {
            server["lastSyncAt"].is_string()
        })
        .await;
    let account = async |name: &str, namespace: &str, password: &str| {
        let body = json!({"name": name, "url": format!("http://{host}"), "username": user, "password": password,
                          "namespace": namespace});
        admin.post("/registries", body).await.body["id"].clone()
    };
    let pull = async |registry: &serde_json::Value| {
        let body = json!({"reference": format!("{host}/demo/web:1.0"), "serverIds": [server], "registryId": registry});
        admin.end_of(&admin.post("/images/pull", body).await).await
    };
    let none = serde_json::Value::Null;
    let refused = pull(&none).await;
    assert_eq!(
        refused["status"], "failed",
        "nobody is let in without an account: {refused:#}"
    );

    let whole = account("whole", "", password).await;
    let narrow = account("narrow", "demo", "wrong").await;
    // The longer namespace fits better, and its password is wrong; the other one is taken when it is chosen.
    let refused = pull(&none).await;
    assert_eq!(refused["status"], "failed", "{refused:#}");
    let code = refused["error"]["code"].as_str().unwrap_or_default();
    assert!(
        ["registry_denied", "bad_credentials", "unauthorized"].contains(&code),
        "{refused:#}"
    );
    let pulled = pull(&whole).await;
    assert_eq!(pulled["status"], "succeeded", "{pulled:#}");
    admin.delete(&format!("/registries/{narrow}")).await;

    let image = admin.get(&format!("/images?q={host}/demo/web:1.0")).await.body["items"][0].clone();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_nanos();
    let pushed = format!("{host}/pushed/web:t{now:x}");
    let mut socket = admin.socket(None).await.expect("let in");
    let path = format!("/images/{}/push", image["id"]);
    let begun = admin.post(&path, json!({"reference": pushed})).await;
    let ended = admin.end_of(&begun).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    let id = ended["id"].clone();
    let mine =
        |event: &str, payload: &serde_json::Value, name: &str| event == name && payload["operationId"] == id;
    socket
        .until(|event, payload| mine(event, payload, "operation_complete"))
        .await;
    assert!(
        socket
            .events
            .iter()
            .any(|(event, payload)| mine(event, payload, "operation_progress")),
        "with progress"
    );
    let tags = admin
        .get(&format!(
            "/registries/{whole}/tags?repository=pushed/web&q=t{now:x}"
        ))
        .await
        .body;
    let tag = &tags["items"][0];
    assert_eq!(
        (&tags["total"], &tag["platforms"]),
        (&json!(1), &json!(["linux/amd64"])),
        "{tags:#}"
    );
    assert!(tag["size"].as_u64().is_some_and(|size| size > 0) && tag["digest"].is_string());
    for answer in [refused, pulled, ended, admin.get("/audit").await.body] {
        assert!(!answer.to_string().contains(password), "{answer:#}");
    }
    let pushed = admin.get(&format!("/images?q={pushed}")).await.body["items"][0]["id"].clone();
    for id in [pushed, image["id"].clone()] {
        admin
            .end_of(&admin.delete(&format!("/images/{id}?force=true")).await)
            .await;
    }
    app.stop().await;
}
