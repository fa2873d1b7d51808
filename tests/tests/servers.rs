//! Servers through the real router.

use axum::http::StatusCode;
use imagefleet_engine::fake::FakeEngine;
use imagefleet_model::GrantServers;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, everywhere, grant};
use serde_json::json;

#[tokio::test]
async fn an_added_server_comes_online_with_its_images() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        app.engines.put("unix:///run/a.sock", FakeEngine::seeded(1, 7));
        let admin = app.login("admin").await;
        let body =
            json!({"name": "a", "endpoint": "unix:///run/a.sock", "tags": ["prod"], "description": "first"});
        let added = admin.post("/servers", body.clone()).await;
        assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
        let id = added.body["id"].as_i64().expect("an id");
        assert_eq!(added.headers["location"], format!("/api/v1/servers/{id}"));
        assert_eq!(added.body["warnings"], json!([]));
        let path = format!("/servers/{id}");
        let server = admin.until(&path, |server| server["imageCount"] == 7).await;
        assert_eq!(server["status"], "online");
        assert_eq!(server["engineVersion"], "20.10.24");
        assert_eq!(server["imageStore"], "classic");
        assert!(
            server["lastSeenAt"].is_string() && server["totalSize"].as_u64().is_some_and(|size| size > 0)
        );
        let again = admin.post("/servers", body).await;
        assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "name_taken"));

        let off = admin.patch(&path, json!({"enabled": false})).await;
        assert_eq!(
            (off.status, &off.body["status"]),
            (StatusCode::OK, &json!("disabled"))
        );
        assert_eq!(off.body["imageCount"], 7, "its last known images stay");
        admin
            .patch(&path, json!({"enabled": true, "name": "b", "tags": null}))
            .await;
        let server = admin.until(&path, |server| server["status"] == "online").await;
        assert_eq!(
            (&server["name"], &server["tags"], &server["description"]),
            (&json!("b"), &json!([]), &json!("first"))
        );

        let gone = admin
            .patch(&path, json!({"endpoint": "tcp://10.255.255.1:2375"}))
            .await;
        assert_eq!(gone.body["warnings"][0]["code"], "plain_tcp");
        let server = admin
            .until(&path, |server| {
                server["status"] == "offline" && server["statusCode"].is_string()
            })
            .await;
        assert!(
            server["statusReason"].as_str().is_some_and(|why| !why.is_empty())
                && server["statusSince"].is_string()
        );
        assert_eq!(server["imageCount"], 7, "what was known last stays");
        assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert_eq!(admin.get(&path).await.code(), "server_not_found");
        assert_eq!(admin.get("/images").await.body["total"], 0);
        app.stop().await;
    }
}

#[tokio::test]
async fn a_way_is_tried_before_and_after_it_is_stored() {
    let app = App::start(testing::sqlite().await).await;
    app.engines.put("unix:///run/a.sock", FakeEngine::seeded(1, 0));
    let admin = app.login("admin").await;
    let good = admin
        .post("/servers/test", json!({"endpoint": "unix:///run/a.sock"}))
        .await;
    assert_eq!(
        (good.status, &good.body["ok"]),
        (StatusCode::OK, &json!(true)),
        "{good:?}"
    );
    assert_eq!(good.body["apiVersion"], "1.41");
    assert!(good.body["code"].is_null() && good.body["latencyMs"].is_u64());
    let bad = admin
        .post("/servers/test", json!({"endpoint": "unix:///run/none.sock"}))
        .await;
    assert_eq!((bad.status, &bad.body["ok"]), (StatusCode::OK, &json!(false)));
    assert_eq!(bad.body["code"], "engine_unreachable");
    assert!(bad.body["message"].is_string() && bad.body["hint"].is_string());
    let added = admin
        .post(
            "/servers",
            json!({"name": "a", "endpoint": "unix:///run/none.sock"}),
        )
        .await;
    let path = format!("/servers/{}", added.body["id"]);
    let tested = admin.post(&format!("{path}/test"), json!({})).await;
    assert_eq!(tested.body["ok"], false);
    assert_eq!(admin.get(&path).await.body["statusCode"], "engine_unreachable");
    assert_eq!(
        admin.post("/servers/999/test", json!({})).await.code(),
        "server_not_found"
    );
    app.stop().await;
}

#[tokio::test]
async fn wrong_fields_are_named_and_nothing_is_stored() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    for (body, fields) in [
        (json!({}), vec!["name"]),
        (
            json!({"name": "", "endpoint": "http://a:1"}),
            vec!["name", "endpoint"],
        ),
        (json!({"name": "a", "endpoint": "fake://a"}), vec!["endpoint"]),
        (
            json!({"name": "x".repeat(65), "endpoint": "unix:///a"}),
            vec!["name"],
        ),
        (
            json!({"name": "a", "endpoint": "unix:///a", "tags": ["\""]}),
            vec!["tags"],
        ),
        (json!({"name": "a", "endpoint": "tcps://a:1"}), vec!["tls.ca"]),
        (
            json!({"name": "a", "endpoint": "tcps://a:1", "tls": {"ca": "nonsense"}}),
            vec!["tls.ca"],
        ),
        (
            json!({"name": "a", "endpoint": "ssh://u@a", "ssh": {"privateKey": "no key"}}),
            vec!["ssh.privateKey"],
        ),
        (
            json!({"name": "a", "endpoint": "ssh://u@a", "ssh": {"hostKey": "MD5:1"}}),
            vec!["ssh.hostKey"],
        ),
        (
            json!({"name": "a", "endpoint": "ssh://u@a", "ssh": {"jump": {"endpoint": "tcp://a:1"}}}),
            vec!["ssh.jump.endpoint"],
        ),
    ] {
        let refused = admin.post("/servers", body.clone()).await;
        assert_eq!(
            (refused.status, refused.fields()),
            (StatusCode::UNPROCESSABLE_ENTITY, fields),
            "{body}"
        );
        assert_eq!(refused.code(), "invalid_input");
    }
    assert_eq!(admin.get("/servers").await.body["total"], 0);
    assert_eq!(
        admin.get("/servers?size=201").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        admin.get("/servers?status=weird").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    app.stop().await;
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nplanted-secret\n-----END OPENSSH PRIVATE KEY-----\n";
    let body = json!({"name": "s", "endpoint": "ssh://u@a:22", "ssh": {"privateKey": key, "passphrase": "planted-secret"}});
    let added = admin.post("/servers", body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let path = format!("/servers/{}", added.body["id"]);
    let ssh = &added.body["ssh"];
    assert_eq!(
        (&ssh["hasPrivateKey"], &ssh["hasPassphrase"], &ssh["hasPassword"]),
        (&json!(true), &json!(true), &json!(false))
    );
    let pin = "SHA256:uNiVztksCsDhcc0u9e8BrJQXVUpKZIDTMczCvj3tD2s";
    let pinned = admin
        .patch(&path, json!({"ssh": {"hostKey": pin, "passphrase": null}}))
        .await;
    let ssh = &pinned.body["ssh"];
    assert_eq!(
        (&ssh["hostKey"], &ssh["hasPrivateKey"], &ssh["hasPassphrase"]),
        (&json!(pin), &json!(true), &json!(false))
    );
    let cleared = admin.patch(&path, json!({"ssh": {"hostKey": null}})).await;
    assert!(cleared.body["ssh"]["hostKey"].is_null() && cleared.body["ssh"]["hasPrivateKey"] == true);
    admin.patch(&path, json!({"ssh": {"hostKey": pin}})).await;
    let moved = admin.patch(&path, json!({"endpoint": "ssh://u@elsewhere"})).await;
    assert!(
        moved.body["ssh"]["hostKey"].is_null(),
        "another machine has another key"
    );
    assert_eq!(moved.body["ssh"]["hasPrivateKey"], true);
    let page = admin.get("/servers?q=elsewhere").await;
    assert_eq!(page.body["total"], 1);
    for answer in [added, pinned, cleared, moved, page, admin.get("/audit").await] {
        assert!(!answer.body.to_string().contains("planted"), "{answer:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn only_who_may_sees_and_changes_servers() {
    let app = App::start(testing::sqlite().await).await;
    app.engines.put("unix:///run/a.sock", FakeEngine::seeded(1, 3));
    let admin = app.login("admin").await;
    let server = async |name: &str| {
        let body = json!({"name": name, "endpoint": "unix:///run/a.sock", "tags": [name]});
        admin.post("/servers", body).await.body["id"]
            .as_i64()
            .expect("an id")
    };
    let (a, b) = (server("a").await, server("b").await);
    app.user(
        "seer",
        vec![grant(
            "viewer",
            GrantServers {
                ids: vec![a],
                ..GrantServers::default()
            },
            "*",
        )],
    )
    .await;
    app.user(
        "tagged",
        vec![grant(
            "operator",
            GrantServers {
                tags: vec!["b".to_owned()],
                ..GrantServers::default()
            },
            "*",
        )],
    )
    .await;
    app.user("other", vec![]).await;
    app.user("viewer", vec![everywhere("viewer")]).await;

    let nobody = app.nobody();
    assert_eq!(nobody.get("/servers").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        nobody
            .post("/servers/test", json!({"endpoint": "unix:///a"}))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    for (who, sees) in [
        ("seer", vec![a]),
        ("tagged", vec![b]),
        ("other", vec![]),
        ("viewer", vec![a, b]),
    ] {
        let client = app.login(who).await;
        let page = client.get("/servers").await.body;
        let ids: Vec<i64> = page["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|s| s["id"].as_i64())
            .collect();
        assert_eq!(
            (ids, page["total"].as_u64()),
            (sees.clone(), Some(sees.len() as u64)),
            "{who}"
        );
        for id in [a, b] {
            let path = format!("/servers/{id}");
            let seen = sees.contains(&id);
            assert_eq!(
                client.get(&path).await.status,
                if seen {
                    StatusCode::OK
                } else {
                    StatusCode::NOT_FOUND
                }
            );
            let refused = if seen {
                StatusCode::FORBIDDEN
            } else {
                StatusCode::NOT_FOUND
            };
            assert_eq!(
                client.patch(&path, json!({"name": "x"})).await.status,
                refused,
                "{who}"
            );
            assert_eq!(client.delete(&path).await.status, refused, "{who}");
            assert_eq!(
                client.post(&format!("{path}/test"), json!({})).await.status,
                refused,
                "{who}"
            );
        }
        let body = json!({"name": "c", "endpoint": "unix:///c"});
        assert_eq!(
            client.post("/servers", body.clone()).await.status,
            StatusCode::FORBIDDEN,
            "{who}"
        );
        assert_eq!(
            client.post("/servers/test", body).await.status,
            StatusCode::FORBIDDEN,
            "{who}"
        );
    }
    app.stop().await;
}

fn lab(name: &str) -> Option<String> {
    let value = std::env::var(format!("IMAGEFLEET_LAB_{name}")).ok();
    let required = std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_some();
    assert!(
        value.is_some() || !required,
        "the lab is required, but has no {name}"
    );
    value
}

fn file(path: &str) -> String {
    std::fs::read_to_string(path).expect("the lab's file")
}

#[tokio::test]
async fn a_real_engine_over_tls() {
    let (Some(endpoint), Some(ca), Some(cert), Some(key)) =
        (lab("TLS"), lab("TLS_CA"), lab("TLS_CERT"), lab("TLS_KEY"))
    else {
        return;
    };
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let tls = json!({"ca": file(&ca), "cert": file(&cert), "key": file(&key)});
    let added = admin
        .post("/servers", json!({"name": "t", "endpoint": endpoint, "tls": tls}))
        .await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    assert_eq!(added.body["tls"]["configured"], true);
    assert!(added.body["tls"]["cert"]["notAfter"].is_string() && added.body["tls"]["key"].is_null());
    assert!(!added.body.to_string().contains("PRIVATE KEY"));
    let path = format!("/servers/{}", added.body["id"]);
    admin.until(&path, |server| server["status"] == "online").await;
    let without = admin
        .patch(&path, json!({"tls": {"cert": null, "key": null}}))
        .await;
    assert_eq!(without.status, StatusCode::OK, "{without:?}");
    let tested = admin.post(&format!("{path}/test"), json!({})).await;
    assert_eq!(
        (&tested.body["ok"], &tested.body["code"]),
        (&json!(false), &json!("tls_failed")),
        "{tested:?}"
    );
    let swapped = admin
        .patch(&path, json!({"tls": {"cert": file(&ca), "key": file(&key)}}))
        .await;
    assert_eq!(swapped.fields(), ["tls.key"], "the key of another certificate");
    assert_eq!(
        admin.patch(&path, json!({"tls": null})).await.fields(),
        ["tls.ca"]
    );
    app.stop().await;
}

#[tokio::test]
async fn a_real_engine_over_ssh_with_its_host_key_pinned() {
    let (Some(sshd), Some(user), Some(key), Some(password)) =
        (lab("SSHD"), lab("SSH_USER"), lab("SSH_KEY"), lab("SSH_PASSWORD"))
    else {
        return;
    };
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let endpoint = format!("ssh://{user}@{sshd}");
    let new = json!({"endpoint": endpoint, "ssh": {"password": password}});
    let tried = admin.post("/servers/test", new).await;
    assert_eq!(tried.body["ok"], true, "{tried:?}");
    let met = tried.body["hostKey"].as_str().expect("a host key").to_owned();
    let wrong = admin
        .post(
            "/servers/test",
            json!({"endpoint": endpoint, "ssh": {"password": "wrong"}}),
        )
        .await;
    assert_eq!(
        (&wrong.body["ok"], &wrong.body["code"]),
        (&json!(false), &json!("ssh_auth_failed")),
        "{wrong:?}"
    );

    let body = json!({"name": "s", "endpoint": endpoint, "ssh": {"privateKey": file(&key)}});
    let added = admin.post("/servers", body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let path = format!("/servers/{}", added.body["id"]);
    let server = admin
        .until(&path, |server| {
            server["status"] == "online" && server["ssh"]["hostKey"].is_string()
        })
        .await;
    assert_eq!(
        server["ssh"]["hostKey"],
        json!(met),
        "pinned by itself at the first use, and shown"
    );
    let other = "SHA256:uNiVztksCsDhcc0u9e8BrJQXVUpKZIDTMczCvj3tD2s";
    admin.patch(&path, json!({"ssh": {"hostKey": other}})).await;
    let changed = admin.post(&format!("{path}/test"), json!({})).await;
    assert_eq!(
        (&changed.body["ok"], &changed.body["code"]),
        (&json!(false), &json!("ssh_host_key_changed")),
        "{changed:?}"
    );
    let refused = admin
        .until(&path, |server| server["statusCode"] == "ssh_host_key_changed")
        .await;
    assert_eq!(
        refused["ssh"]["hostKey"], other,
        "a changed key is never taken over"
    );
    admin.patch(&path, json!({"ssh": {"hostKey": null}})).await;
    admin
        .until(&path, |server| {
            server["status"] == "online" && server["ssh"]["hostKey"] == json!(met)
        })
        .await;
    app.stop().await;
}
