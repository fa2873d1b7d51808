//! Containers through the real router, on engines in memory.

use axum::http::{Method, Request, StatusCode, header};
use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use imagefleet_engine::Engine as _;
use imagefleet_engine::fake::FakeEngine;
use imagefleet_model::GrantServers;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client, everywhere, grant};
use imagefleet_tests::images::looked_at;
use serde_json::{Map, Value, json};

/// A server with these images; its engine and its id.
async fn server(app: &App, admin: &Client<'_>, name: &str, images: &[&str]) -> (FakeEngine, i64) {
    let engine = FakeEngine::seeded(1, 0);
    for image in images {
        engine.hold(image).expect("held");
    }
    let id = looked_at(app, admin, name, engine.clone()).await;
    (engine, id)
}

async fn image(client: &Client<'_>, server: i64, full_name: &str) -> i64 {
    let found = client
        .get(&format!("/images?serverId={server}&q={full_name}"))
        .await
        .body;
    found["items"][0]["id"].as_i64().expect("an image")
}

/// Creates a container and waits; the operation.
async fn create(client: &Client<'_>, image: i64, form: Value) -> Value {
    let answer = client.post(&format!("/images/{image}/containers"), form).await;
    client.end_of(&answer).await
}

/// Creates one that starts; its row id.
async fn created(client: &Client<'_>, image: i64, form: Value) -> i64 {
    let operation = create(client, image, form).await;
    assert_eq!(operation["status"], "succeeded", "{operation:#}");
    operation["result"]["containerId"].as_i64().expect("an id")
}

async fn text(client: &Client<'_>, path: &str) -> (StatusCode, String, String) {
    let request = Request::builder()
        .uri(format!("/api/v1{path}"))
        .body(axum::body::Body::empty());
    let response = client.send(request.expect("a request")).await;
    let (parts, body) = response.into_parts();
    let kind = parts.headers[header::CONTENT_TYPE]
        .to_str()
        .expect("text")
        .to_owned();
    let bytes = body.collect().await.expect("a body").to_bytes();
    (
        parts.status,
        kind,
        String::from_utf8(bytes.to_vec()).expect("text"),
    )
}

#[tokio::test]
async fn from_the_form_to_its_end() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let (_, server) = server(&app, &admin, "a", &["team/web:1"]).await;
        let image = image(&admin, server, "team/web:1").await;

        let form = admin.get(&format!("/images/{image}/container-form")).await;
        assert_eq!(form.status, StatusCode::OK, "{form:?}");
        assert_eq!(
            (&form.body["spec"]["name"], &form.body["spec"]["start"]),
            (&json!("web"), &json!(true))
        );
        let mut spec = form.body["spec"].clone();
        spec["ports"] = json!([{"host": 8080, "container": 80}, {"container": 81, "protocol": "udp"}]);
        spec["env"] = json!({"A": "1", "DB_PASSWORD": "planted-secret", "LINES": "x\ny"});
        spec["hostname"] = Value::Null;
        let id = created(&admin, image, spec).await;

        let list = admin
            .get(&format!("/containers?serverId={server}&q=WEB&state=running"))
            .await
            .body;
        assert_eq!(
            (&list["total"], &list["items"][0]["id"], &list["size"]),
            (&json!(1), &json!(id), &json!(20))
        );
        assert_eq!(
            admin.get(&format!("/containers?imageId={image}")).await.body["total"],
            1
        );
        assert_eq!(admin.get("/containers?state=exited").await.body["total"], 0);
        let bogus = admin.get("/containers?state=bogus").await;
        assert_eq!((bogus.status.as_u16(), bogus.fields()), (422, vec!["state"]));
        let used = admin.get(&format!("/images/{image}")).await.body;
        assert_eq!(
            (&used["usedBy"], &used["containers"][0]["id"]),
            (&json!(["web"]), &json!(id))
        );

        let path = format!("/containers/{id}");
        let detail = admin.get(&path).await.body;
        assert_eq!(
            (&detail["name"], &detail["image"], &detail["imageId"]),
            (&json!("web"), &json!("team/web:1"), &json!(image))
        );
        assert_eq!(
            detail["env"],
            json!(["A=1", "DB_PASSWORD=********", "LINES=x\ny"])
        );
        assert_eq!(
            (&detail["maskedEnv"], &detail["engineError"]),
            (&json!(["DB_PASSWORD"]), &Value::Null)
        );
        let shown = admin.get(&format!("{path}?reveal=true")).await.body;
        assert_eq!(shown["env"][1], "DB_PASSWORD=planted-secret");

        for (verb, state) in [
            ("stop", "exited"),
            ("start", "running"),
            ("restart", "running"),
            ("kill", "exited"),
        ] {
            let answer = admin.post(&format!("{path}/{verb}"), json!({})).await;
            assert_eq!(
                (answer.status, &answer.body["state"]),
                (StatusCode::OK, &json!(state)),
                "{verb}: {answer:?}"
            );
            assert_eq!(admin.get(&path).await.body["state"], state);
        }
        let stopped = admin.post(&format!("{path}/kill"), json!({})).await;
        assert_eq!(
            (stopped.status, stopped.code()),
            (StatusCode::CONFLICT, "conflict")
        );
        assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert_eq!(admin.get(&path).await.code(), "container_not_found");
        assert_eq!(admin.delete(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(
            admin.get(&format!("/images/{image}")).await.body["usedBy"],
            json!([])
        );

        let said = admin.get("/audit?size=100").await.body.to_string();
        for action in ["create", "reveal", "start", "stop", "restart", "kill", "remove"] {
            assert!(
                said.contains(&format!("\"container.{action}\"")),
                "{action}: {said}"
            );
        }
        assert!(!said.contains("planted-secret"));
        let operations = admin
            .get("/operations?kind=create_container")
            .await
            .body
            .to_string();
        assert!(operations.contains("Create web") && !operations.contains("planted-secret"));
        app.stop().await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_before_an_engine_is_asked() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let (engine, server) = server(&app, &admin, "a", &["team/web:1", "mysql:8.4"]).await;
    let web = image(&admin, server, "team/web:1").await;
    let path = format!("/images/{web}/containers");
    let lines: Map<String, Value> = (0..10_001).map(|n| (format!("V{n}"), json!(""))).collect();
    for (change, field) in [
        (json!({"name": ""}), "name"),
        (json!({"name": null}), "name"),
        (json!({"name": "web; rm -rf /"}), "name"),
        (json!({"name": "<b>"}), "name"),
        (json!({"name": 5}), "name"),
        (json!({"hostname": "-x"}), "hostname"),
        (json!({"ports": [{"host": 0, "container": 80}]}), "ports[0].host"),
        (
            json!({"ports": [{"host": 65_536, "container": 80}]}),
            "ports[0].host",
        ),
        (
            json!({"ports": [{"host": "8000-8010", "container": 80}]}),
            "ports[0].host",
        ),
        (json!({"ports": [{"host": 80}]}), "ports[0].container"),
        (
            json!({"ports": [{"container": 80, "protocol": "sctp"}]}),
            "ports[0].protocol",
        ),
        (
            json!({"ports": [{"host": 80, "container": 80}, {"host": 80, "container": 81}]}),
            "ports[1].host",
        ),
        (
            json!({"ports": [{"container": 80}], "networkMode": "none"}),
            "ports",
        ),
        (json!({"env": {"": "x"}}), "env"),
        (json!({"env": {"A=B": "x"}}), "env.A=B"),
        (json!({"env": ["A=1"]}), "env"),
        (json!({"env": {"A": 1}}), "env.A"),
        (json!({"env": lines}), "env"),
        (
            json!({"volumes": [{"source": "rel/path", "target": "/x"}]}),
            "volumes[0].source",
        ),
        (
            json!({"volumes": [{"source": "", "target": "/x"}]}),
            "volumes[0].source",
        ),
        (
            json!({"volumes": [{"source": "/x", "target": ""}]}),
            "volumes[0].target",
        ),
        (
            json!({"restartPolicy": {"name": "sometimes"}}),
            "restartPolicy.name",
        ),
        (
            json!({"restartPolicy": {"name": "always"}, "autoRemove": true}),
            "autoRemove",
        ),
        (json!({"networkMode": "container:x"}), "networkMode"),
        (json!({"memoryBytes": 1}), "memoryBytes"),
        (json!({"nanoCpus": 0}), "nanoCpus"),
        (json!({"workingDir": "x"}), "workingDir"),
        (json!({"nonsense": 1}), "nonsense"),
        (json!({"serverIds": "all"}), "serverIds"),
    ] {
        let mut form = json!({"name": "web"});
        form.as_object_mut()
            .expect("a form")
            .extend(change.as_object().expect("a change").clone());
        let answer = admin.post(&path, form).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{field}: {answer:?}"
        );
        assert_eq!(answer.fields(), [field], "{answer:?}");
    }
    assert_eq!(
        admin.post(&path, json!([])).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        admin
            .post("/images/999/containers", json!({"name": "web"}))
            .await
            .code(),
        "image_not_found"
    );
    let elsewhere = admin
        .post(&path, json!({"name": "web", "serverIds": [999]}))
        .await;
    assert_eq!(elsewhere.code(), "server_not_found");

    let mysql = image(&admin, server, "mysql:8.4").await;
    let path = format!("/images/{mysql}/containers");
    for env in [json!({}), json!({"MYSQL_ROOT_PASSWORD": ""})] {
        let answer = admin.post(&path, json!({"name": "db", "env": env})).await;
        assert_eq!(answer.fields(), ["env.MYSQL_ROOT_PASSWORD"], "{answer:?}");
    }
    let form = admin.get(&format!("/images/{mysql}/container-form")).await.body;
    assert_eq!(
        (&form["software"]["name"], &form["spec"]["ports"][0]["host"]),
        (&json!("MySQL"), &json!(3306))
    );
    assert_eq!(
        (&form["env"][0]["name"], &form["env"][0]["required"]),
        (&json!("MYSQL_ROOT_PASSWORD"), &json!(true))
    );
    assert_eq!(
        engine.containers().await.expect("listed").len(),
        0,
        "nothing of this reached the engine"
    );
    created(
        &admin,
        mysql,
        json!({"name": "db", "env": {"MYSQL_RANDOM_ROOT_PASSWORD": "yes"}}),
    )
    .await;
    app.stop().await;
}

#[tokio::test]
async fn names_and_ports_that_are_taken_are_refused() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let (_, a) = server(&app, &admin, "a", &["team/web:1"]).await;
    let (_, b) = server(&app, &admin, "b", &["team/web:1"]).await;
    let (_, c) = server(&app, &admin, "c", &[]).await;
    let web = image(&admin, a, "team/web:1").await;
    let path = format!("/images/{web}/containers");
    let one = created(
        &admin,
        web,
        json!({"name": "web", "ports": [{"host": 8080, "container": 80}]}),
    )
    .await;
    let name = admin.post(&path, json!({"name": "web"})).await;
    assert_eq!(
        (name.status, name.code(), name.fields()),
        (StatusCode::CONFLICT, "container_name_taken", vec!["name"])
    );
    let port = admin
        .post(
            &path,
            json!({"name": "web2", "ports": [{"host": 8080, "container": 80}]}),
        )
        .await;
    assert_eq!(
        (port.status, port.code(), port.fields()),
        (StatusCode::CONFLICT, "port_in_use", vec!["ports[0].host"])
    );
    let form = admin.get(&format!("/images/{web}/container-form")).await.body;
    assert_eq!(form["spec"]["name"], "web-2");

    // On both at once: the name is free on b, and taken on a.
    let both = admin
        .post(&path, json!({"name": "web", "serverIds": [b, a]}))
        .await;
    assert_eq!(both.code(), "container_name_taken");
    let missing = admin
        .post(&path, json!({"name": "new", "serverIds": [b, c]}))
        .await;
    assert_eq!(
        (missing.status, missing.code()),
        (StatusCode::NOT_FOUND, "image_not_found")
    );
    let operation = create(&admin, web, json!({"name": "new", "serverIds": [a, b]})).await;
    assert_eq!(
        (&operation["status"], operation["steps"].as_array().map(Vec::len)),
        (&json!("succeeded"), Some(2))
    );

    // A failed start is shown at the image, with what was created.
    let operation = create(
        &admin,
        web,
        json!({"name": "broken", "command": ["missing"], "serverIds": [b]}),
    )
    .await;
    assert_eq!(
        (&operation["status"], &operation["error"]["code"]),
        (&json!("failed"), &json!("command_not_found"))
    );
    assert_eq!(operation["result"]["name"], "broken");
    let other = image(&admin, b, "team/web:1").await;
    let row = admin.get(&format!("/images/{other}")).await.body;
    assert_eq!(
        (&row["status"], &row["error"]["code"]),
        (&json!("START_FAILED"), &json!("command_not_found"))
    );
    assert_eq!(admin.get("/images?status=START_FAILED").await.body["total"], 1);
    assert_eq!(
        admin.get(&format!("/images/{web}")).await.body["status"],
        "AVAILABLE"
    );

    // Several at once, each with its own outcome.
    let all = admin.get(&format!("/containers?serverId={b}")).await.body;
    let ids: Vec<i64> = all["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["id"].as_i64())
        .collect();
    let answer = admin
        .post(
            "/containers/batch",
            json!({"ids": [ids[0], ids[1], 999], "action": "start"}),
        )
        .await;
    let outcomes: Vec<&Value> = (0..3).map(|at| &answer.body["items"][at]["ok"]).collect();
    assert_eq!(outcomes, [false, true, false], "{answer:?}");
    assert_eq!(answer.body["items"][0]["error"]["code"], "command_not_found");
    assert_eq!(answer.body["items"][2]["error"]["code"], "container_not_found");
    let answer = admin
        .post(
            "/containers/batch",
            json!({"ids": [one, ids[0]], "action": "remove"}),
        )
        .await;
    assert_eq!(
        (&answer.body["items"][0]["ok"], &answer.body["items"][1]["ok"]),
        (&json!(false), &json!(true))
    );
    let answer = admin
        .post(
            "/containers/batch",
            json!({"ids": [one], "action": "remove", "force": true}),
        )
        .await;
    assert_eq!(answer.body["items"][0]["ok"], true);
    for (body, field) in [
        (json!({"ids": [], "action": "stop"}), "ids"),
        (json!({"ids": [1], "action": "explode"}), "action"),
    ] {
        assert_eq!(admin.post("/containers/batch", body).await.fields(), [field]);
    }
    app.stop().await;
}

#[tokio::test]
async fn logs_and_load_come_as_streams() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let (_, server) = server(&app, &admin, "a", &["team/web:1"]).await;
    let image = image(&admin, server, "team/web:1").await;
    let id = created(&admin, image, json!({"name": "web"})).await;
    let (status, kind, log) = text(&admin, &format!("/containers/{id}/logs")).await;
    assert_eq!(
        (status, kind.as_str(), log.as_str()),
        (
            StatusCode::OK,
            "text/plain; charset=utf-8",
            "web started\nweb ready\n"
        )
    );
    assert_eq!(
        text(
            &admin,
            &format!("/containers/{id}/logs?tail=1&since=10m&timestamps=true")
        )
        .await
        .2,
        "web ready\n"
    );
    for (query, field) in [
        ("tail=x", "tail"),
        ("since=yesterday", "since"),
        ("follow=perhaps", "follow"),
    ] {
        assert_eq!(
            admin
                .get(&format!("/containers/{id}/logs?{query}"))
                .await
                .fields(),
            [field]
        );
    }
    let request = Request::builder().uri(format!("/api/v1/containers/{id}/logs?download=true&follow=true"));
    let response = admin
        .send(request.body(axum::body::Body::empty()).expect("a request"))
        .await;
    assert_eq!(
        response.headers()[header::CONTENT_DISPOSITION],
        "attachment; filename=\"web.log\""
    );
    assert!(response.into_body().collect().await.is_ok(), "a download ends");

    // What follows does not end by itself.
    let request = Request::builder()
        .method(Method::GET)
        .uri(format!("/api/v1/containers/{id}/logs?follow=true&tail=1"));
    let response = admin
        .send(request.body(axum::body::Body::empty()).expect("a request"))
        .await;
    let mut body = response.into_body().into_data_stream();
    assert_eq!(body.next().await.expect("a line").expect("whole"), "web ready\n");
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(100), body.next())
            .await
            .is_err()
    );
    let followed = body;

    let stats = admin.get(&format!("/containers/{id}/stats")).await.body;
    assert_eq!(
        (&stats["cpuPercent"], &stats["memoryBytes"], &stats["pids"]),
        (&json!(12.5), &json!(64 << 20), &json!(3))
    );
    let request = Request::builder().uri(format!("/api/v1/containers/{id}/stats?stream=true"));
    let response = admin
        .send(request.body(axum::body::Body::empty()).expect("a request"))
        .await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/x-ndjson");
    let mut lines = response.into_body().into_data_stream();
    for _ in 0..2 {
        let line = lines.next().await.expect("a line").expect("whole");
        assert!(line.ends_with(b"}\n"));
        assert_eq!(
            serde_json::from_slice::<Value>(&line).expect("JSON")["memoryLimit"],
            json!(8_u64 << 30)
        );
    }
    // A program that ends does not wait for either.
    app.state.close_live().await;
    assert_eq!((followed.count().await, lines.count().await), (0, 0));
    admin.post(&format!("/containers/{id}/stop"), json!({})).await;
    assert_eq!(
        admin.get(&format!("/containers/{id}/stats")).await.body["memoryBytes"],
        0
    );

    let networks = admin.get(&format!("/servers/{server}/networks")).await.body;
    assert_eq!(
        (&networks["total"], &networks["items"][0]["name"]),
        (&json!(3), &json!("bridge"))
    );
    assert_eq!(
        admin.get("/servers/999/networks").await.code(),
        "server_not_found"
    );
    app.stop().await;
}

#[tokio::test]
async fn an_engine_that_is_silent_leaves_what_is_known() {
    use imagefleet_engine::fake::{Fault, FaultyCall};
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let (engine, server) = server(&app, &admin, "a", &["team/web:1"]).await;
    let image = image(&admin, server, "team/web:1").await;
    let id = created(&admin, image, json!({"name": "web"})).await;
    engine.inject(FaultyCall::Any, Fault::Offline, None);
    let detail = admin.get(&format!("/containers/{id}")).await;
    assert_eq!(
        (detail.status, &detail.body["name"], &detail.body["env"]),
        (StatusCode::OK, &json!("web"), &json!([]))
    );
    assert!(detail.body["engineError"]["code"].is_string(), "{detail:?}");
    let stop = admin.post(&format!("/containers/{id}/stop"), json!({})).await;
    assert_eq!(stop.status, StatusCode::BAD_GATEWAY, "{stop:?}");
    assert_eq!(
        admin.get(&format!("/containers/{id}")).await.status,
        StatusCode::OK
    );
    app.stop().await;
}

#[tokio::test]
async fn rights_are_those_on_the_server_and_the_repository() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let (_, a) = server(&app, &admin, "a", &["team/web:1", "other/db:1"]).await;
    let (_, b) = server(&app, &admin, "b", &["team/web:1"]).await;
    let web = image(&admin, a, "team/web:1").await;
    let db = image(&admin, a, "other/db:1").await;
    let one = created(&admin, web, json!({"name": "one", "env": {"A": "1"}})).await;
    let two = created(&admin, db, json!({"name": "two"})).await;
    let on_a = || GrantServers {
        ids: vec![a],
        ..GrantServers::default()
    };
    app.user("viewer", vec![everywhere("viewer")]).await;
    app.user("team", vec![grant("operator", on_a(), "team/*")]).await;

    let viewer = app.login("viewer").await;
    assert_eq!(
        viewer.get(&format!("/containers/{one}")).await.body["env"],
        json!(["A=********"])
    );
    for (method, path) in [
        (Method::POST, format!("/images/{web}/containers")),
        (Method::GET, format!("/images/{web}/container-form")),
        (Method::GET, format!("/containers/{one}?reveal=true")),
        (Method::GET, format!("/containers/{one}/logs")),
        (Method::POST, format!("/containers/{one}/start")),
        (Method::POST, format!("/containers/{one}/stop")),
        (Method::POST, format!("/containers/{one}/restart")),
        (Method::POST, format!("/containers/{one}/kill")),
        (Method::DELETE, format!("/containers/{one}?force=true")),
    ] {
        let body = (method == Method::POST).then(|| json!({"name": "new"}));
        let answer = viewer.call(method.clone(), &path, body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::FORBIDDEN, "forbidden"),
            "{method} {path}"
        );
    }
    assert_eq!(
        viewer.get(&format!("/containers/{one}/stats")).await.status,
        StatusCode::OK
    );
    let batch = viewer
        .post("/containers/batch", json!({"ids": [one], "action": "kill"}))
        .await
        .body;
    assert_eq!(batch["items"][0]["error"]["code"], "forbidden");
    assert_eq!(
        admin.get(&format!("/containers/{one}")).await.body["state"],
        "running"
    );

    let team = app.login("team").await;
    assert_eq!(team.get("/containers").await.body["total"], 1);
    assert_eq!(
        team.get(&format!("/containers/{two}")).await.code(),
        "container_not_found"
    );
    assert_eq!(
        team.delete(&format!("/containers/{two}")).await.code(),
        "container_not_found"
    );
    assert_eq!(
        team.post(&format!("/images/{db}/containers"), json!({"name": "new"}))
            .await
            .code(),
        "image_not_found"
    );
    let elsewhere = team
        .post(
            &format!("/images/{web}/containers"),
            json!({"name": "new", "serverIds": [a, b]}),
        )
        .await;
    assert_eq!(elsewhere.code(), "server_not_found");
    assert_eq!(
        team.get(&format!("/servers/{b}/networks")).await.code(),
        "server_not_found"
    );
    created(&team, web, json!({"name": "mine"})).await;

    let nobody = app.nobody();
    for path in [
        format!("/containers/{one}"),
        "/containers".to_owned(),
        format!("/containers/{one}/logs"),
    ] {
        assert_eq!(nobody.get(&path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_monitor_api_takes_the_flat_form() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let (engine, server) = server(&app, &admin, "a", &["team/web:1"]).await;
    let image = image(&admin, server, "team/web:1").await;
    let start = async |id: i64, form: Value| {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/api/monitor/system-soft-image/{id}/start"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(axum::body::Body::from(form.to_string()));
        let response = admin.send(request.expect("a request")).await;
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice::<Value>(&bytes).expect("JSON"))
    };
    let form = json!({
        "containerName": "flat", "portBindings": ["8080:80/tcp"], "environmentVariables": ["A=1=2"], "volumeBindings": ["/h:/c:ro"],
        "command": "run 'with space'", "restartPolicy": "unless-stopped", "networkMode": "bridge", "autoStart": true
    });
    let (status, body) = start(image, form.clone()).await;
    assert_eq!(
        (status, &body["success"], &body["code"]),
        (StatusCode::OK, &json!(true), &json!("00000")),
        "{body}"
    );
    let operation = format!(
        "/operations/{}",
        body["data"]["operationId"].as_str().expect("an id")
    );
    let ended = admin
        .until(&operation, |operation| operation["finishedAt"].is_string())
        .await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    let detail = engine.container("flat").await.expect("there");
    assert_eq!(
        (detail.env, detail.command),
        (
            vec!["A=1=2".to_owned()],
            vec!["run".to_owned(), "with space".to_owned()]
        )
    );
    assert!(detail.mounts[0].read_only && detail.restart_policy == "unless-stopped");

    let (status, body) = start(
        image,
        json!({"containerName": "x1", "environmentVariables": ["NOTHING"]}),
    )
    .await;
    assert_eq!(
        (status, &body["success"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!(false))
    );
    assert!(
        body["msg"]
            .as_str()
            .expect("a sentence")
            .contains("environmentVariables[0]"),
        "{body}"
    );
    let (status, body) = start(image, form).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::CONFLICT, &json!("container_name_taken"))
    );
    assert_eq!(
        start(999, json!({"containerName": "x1"})).await.0,
        StatusCode::NOT_FOUND
    );
    app.stop().await;
}
