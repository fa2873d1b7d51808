//! Images, operations and the Monitor API's view of them, through the real router, on engines in memory.

use axum::http::{Method, StatusCode};
use imagefleet_engine::fake::{FakeEngine, FakeOptions, Fault, FaultyCall};
use imagefleet_store::testing;
use imagefleet_tests::app::App;
use imagefleet_tests::images::{looked_at, monitor, server};
use serde_json::{Value, json};

#[tokio::test]
async fn a_pull_reaches_every_server_and_a_delete_takes_it_away() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let ((first, a), (_, b)) = (
            server(&app, &admin, "a", &[]).await,
            server(&app, &admin, "b", &[]).await,
        );
        let pull = admin
            .post(
                "/images/pull",
                json!({"reference": "team/app:1", "serverIds": [a, b, a]}),
            )
            .await;
        assert_eq!(pull.body["kind"], "pull_image");
        assert_eq!(
            pull.body["steps"].as_array().map(Vec::len),
            Some(2),
            "each server once"
        );
        let ended = admin.end_of(&pull).await;
        assert_eq!(
            (&ended["status"], &ended["progress"]),
            (&json!("succeeded"), &json!(100)),
            "{ended}"
        );
        assert_eq!(ended["createdBy"], "admin");

        let group = admin.get("/images/by-image?q=team/app").await.body;
        assert_eq!(
            (&group["total"], &group["items"][0]["serverCount"]),
            (&json!(1), &json!(2))
        );
        assert_eq!(group["items"][0]["drift"], false);
        let bogus = admin.get("/images/by-server?sort=bogus").await;
        assert_eq!(bogus.status.as_u16(), 422, "{bogus:?}");
        let by_server = admin.get(&format!("/images/by-server?serverId={a}")).await.body;
        assert_eq!(
            (&by_server["total"], &by_server["items"][0]["imageCount"]),
            (&json!(1), &json!(1))
        );
        let list = admin.get(&format!("/images?serverId={a}")).await.body;
        let image = list["items"][0].clone();
        assert_eq!(
            (&image["fullName"], &image["status"]),
            (&json!("team/app:1"), &json!("AVAILABLE"))
        );
        let path = format!("/images/{}", image["id"]);
        let detail = admin.get(&path).await.body;
        assert_eq!(detail["id"], image["id"]);
        assert!(
            detail["engine"]["layers"].is_array() && detail["engine"]["config"]["env"].is_array(),
            "{detail}"
        );
        assert_eq!(detail["containers"], json!([]));
        first.inject(FaultyCall::Any, Fault::Offline, None);
        let blind = admin.get(&path).await;
        assert_eq!(
            (blind.status, &blind.body["engine"]),
            (StatusCode::OK, &Value::Null)
        );
        assert!(
            blind.body["engineError"]["message"].is_string(),
            "{:?}",
            blind.body
        );
        first.heal();

        let delete = admin.delete(&path).await;
        assert_eq!(admin.end_of(&delete).await["status"], "succeeded");
        assert_eq!(admin.get(&path).await.code(), "image_not_found");
        assert_eq!(first.image_count(), 0);
        assert_eq!(
            admin
                .post("/images/delete", json!({"imageIds": []}))
                .await
                .fields(),
            ["imageIds"]
        );
        assert_eq!(
            admin
                .post("/images/delete", json!({"imageIds": [image["id"]]}))
                .await
                .code(),
            "image_not_found"
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn a_failed_pull_is_retried_where_it_failed() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let ((broken, a), (_, b)) = (
            server(&app, &admin, "a", &[]).await,
            server(&app, &admin, "b", &[]).await,
        );
        let fault = Fault::Status {
            status: 404,
            retry_after: None,
            message: "manifest unknown".to_owned(),
        };
        broken.inject(FaultyCall::Pull, fault, None);
        let pull = admin
            .post(
                "/images/pull",
                json!({"reference": "team/app:1", "serverIds": [a, b]}),
            )
            .await;
        let ended = admin.end_of(&pull).await;
        assert_eq!(ended["status"], "failed", "failed if any failed");
        let step = |operation: &Value, server: i64| {
            let steps = operation["steps"].as_array().expect("steps").clone();
            steps
                .into_iter()
                .find(|step| step["serverId"] == server)
                .expect("a step")
        };
        assert_eq!(step(&ended, b)["status"], "succeeded");
        assert!(step(&ended, a)["error"]["code"].is_string());
        let failed = admin.get("/images?status=error").await.body;
        assert_eq!(
            (&failed["total"], &failed["items"][0]["status"]),
            (&json!(1), &json!("PULL_FAILED"))
        );
        assert!(failed["items"][0]["error"]["message"].is_string());

        broken.heal();
        let path = format!("/operations/{}", ended["id"].as_str().expect("an id"));
        let finished = step(&ended, b)["finishedAt"].clone();
        let retried = admin.post(&format!("{path}/retry"), Value::Null).await;
        let again = admin.end_of(&retried).await;
        assert_eq!(again["status"], "succeeded", "{again}");
        assert_eq!(
            step(&again, b)["finishedAt"],
            finished,
            "what had succeeded did not run again"
        );
        assert_eq!(
            admin.post(&format!("{path}/retry"), Value::Null).await.code(),
            "nothing_to_retry"
        );
        assert_eq!(
            admin.post(&format!("{path}/cancel"), Value::Null).await.code(),
            "operation_ended"
        );
        assert_eq!(admin.get("/operations?active=true").await.body["total"], 0);
        assert_eq!(
            admin
                .get(&format!("/operations?kind=pull_image&serverId={a}"))
                .await
                .body["total"],
            1
        );
        assert_eq!(admin.get("/operations?kind=nonsense").await.fields(), ["kind"]);
        app.stop().await;
    }
}

#[tokio::test]
async fn a_running_pull_is_cancelled() {
    let app = App::start(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let (engine, a) = server(&app, &admin, "a", &[]).await;
    engine.inject(FaultyCall::Pull, Fault::Hang, None);
    let pull = admin
        .post(
            "/images/pull",
            json!({"reference": "team/app:1", "serverIds": [a]}),
        )
        .await;
    let path = format!("/operations/{}", pull.body["id"].as_str().expect("an id"));
    admin
        .until(&path, |operation| operation["status"] == "running")
        .await;
    assert_eq!(
        admin.post(&format!("{path}/cancel"), Value::Null).await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(admin.end_of(&pull).await["status"], "cancelled");
    assert_eq!(
        admin.get("/images").await.body["total"],
        0,
        "a first pull that was cancelled leaves no row"
    );
    app.stop().await;
}

#[tokio::test]
async fn the_monitor_api_is_the_same_in_the_documents_words() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let (_, a) = server(
            &app,
            &admin,
            "a",
            &["nginx:1.27", "host.example:5000/ns/app:1.2", "redis:7"],
        )
        .await;
        let (status, page) = monitor(&admin, Method::GET, "/page?current=1&pageSize=2", None).await;
        assert_eq!(
            (status, &page["code"], &page["success"]),
            (StatusCode::OK, &json!("00000"), &json!(true))
        );
        let data = &page["data"];
        assert_eq!(
            (&data["total"], &data["size"], &data["current"], &data["pages"]),
            (&json!(3), &json!(2), &json!(1), &json!(2))
        );
        let first = &data["records"][0];
        for field in [
            "systemSoftImageId",
            "systemSoftId",
            "systemSoftImageServerId",
            "systemSoftImageServerName",
            "systemSoftImageImageId",
            "systemSoftImageName",
            "systemSoftImageTag",
            "systemSoftImageFullName",
            "systemSoftImageSize",
            "systemSoftImageStatus",
            "createTime",
            "updateTime",
        ] {
            assert!(first.get(field).is_some(), "{field} is missing in {first}");
        }
        let list = async |query: &str| {
            let (_, answer) = monitor(&admin, Method::GET, &format!("/list?{query}"), None).await;
            let rows = answer["data"].as_array().expect("an array").clone();
            rows.into_iter()
                .map(|row| row["systemSoftImageFullName"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(list(&format!("serverId={a}")).await.len(), 3);
        assert_eq!(list("imageName=ngin").await, [json!("nginx:1.27")]);
        let nginx = admin.get("/software?q=nginx").await.body["items"][0]["id"].clone();
        assert_eq!(list(&format!("softId={nginx}")).await, [json!("nginx:1.27")]);
        assert_eq!(list("status=error").await, Vec::<Value>::new());

        let body = json!({"serverId": a, "imageName": "team/app", "imageTag": "1"});
        let (status, pulling) = monitor(&admin, Method::POST, "/pull", Some(body)).await;
        assert_eq!(
            (status, &pulling["data"]["systemSoftImageFullName"]),
            (StatusCode::OK, &json!("team/app:1")),
            "{pulling}"
        );
        let operation = format!(
            "/operations/{}",
            pulling["data"]["operationId"].as_str().expect("an id")
        );
        admin
            .until(&operation, |operation| operation["status"] == "succeeded")
            .await;
        let (_, by_query) = monitor(
            &admin,
            Method::POST,
            &format!("/pull?serverId={a}&fullImageName=team/app:1"),
            None,
        )
        .await;
        assert_eq!(by_query["success"], true, "{by_query}");
        let id = by_query["data"]["systemSoftImageId"].clone();
        let operation = format!(
            "/operations/{}",
            by_query["data"]["operationId"].as_str().expect("an id")
        );
        admin
            .until(&operation, |operation| operation["status"] == "succeeded")
            .await;
        let (_, one) = monitor(&admin, Method::GET, &format!("/{id}"), None).await;
        assert_eq!(one["data"]["systemSoftImageStatus"], "AVAILABLE");
        let (_, sync) = monitor(&admin, Method::POST, "/sync", Some(json!({"serverIds": [a]}))).await;
        assert_eq!(sync["data"]["syncCount"], 1);
        let (_, gone) = monitor(&admin, Method::DELETE, &format!("/{id}/image?force=true"), None).await;
        let operation = format!(
            "/operations/{}",
            gone["data"]["operationId"].as_str().expect("an id")
        );
        admin
            .until(&operation, |operation| operation["status"] == "succeeded")
            .await;

        for (method, path, body, status, code) in [
            (Method::GET, format!("/{id}"), None, 404, "image_not_found"),
            (Method::GET, "/abc".to_owned(), None, 404, "not_found"),
            (Method::GET, "/page?size=0".to_owned(), None, 422, "invalid_input"),
            (
                Method::GET,
                "/list?status=x".to_owned(),
                None,
                422,
                "invalid_input",
            ),
            (Method::PUT, "/page".to_owned(), None, 405, "method_not_allowed"),
            (
                Method::POST,
                "/pull".to_owned(),
                Some(json!({})),
                422,
                "invalid_input",
            ),
            (
                Method::POST,
                "/pull".to_owned(),
                Some(json!({"serverId": a, "imageName": "A B"})),
                422,
                "invalid_reference",
            ),
            (
                Method::POST,
                "/pull".to_owned(),
                Some(json!({"serverId": 99, "imageName": "a"})),
                404,
                "server_not_found",
            ),
            (
                Method::POST,
                "/pull".to_owned(),
                // However it is named besides: the entry is asked for by its number.
                Some(json!({"serverId": a, "imageName": "team/app", "softId": 999_999})),
                404,
                "not_found",
            ),
            (
                Method::POST,
                "/sync".to_owned(),
                Some(json!({"serverIds": ["x"]})),
                422,
                "invalid_input",
            ),
        ] {
            let (answered, envelope) = monitor(&admin, method.clone(), &path, body).await;
            assert_eq!(
                (answered.as_u16(), &envelope["code"]),
                (status, &json!(code)),
                "{method} {path}: {envelope}"
            );
            assert_eq!(
                (&envelope["success"], &envelope["data"]),
                (&json!(false), &Value::Null)
            );
            assert!(envelope["msg"].as_str().is_some_and(|text| !text.is_empty()));
        }
        app.stop().await;
    }
}

#[tokio::test]
async fn a_pull_by_digest_ends_at_the_image_that_it_brought() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let (engine, a) = server(&app, &admin, "a", &[]).await;
        let same_registry = FakeOptions {
            registry: engine.registry().clone(),
            ..FakeOptions::default()
        };
        let b = looked_at(&app, &admin, "b", FakeEngine::new(same_registry)).await;
        let pull = json!({"reference": "team/app:1", "serverIds": [a]});
        admin.end_of(&admin.post("/images/pull", pull).await).await;
        let tagged = admin.get("/images?q=team/app").await.body["items"][0].clone();
        let name = format!("team/app@{}", tagged["digest"].as_str().expect("a digest"));

        for (server, known) in [(b, None), (a, Some(&tagged["id"]))] {
            let body = json!({"serverId": server, "fullImageName": name});
            let (_, pulling) = monitor(&admin, Method::POST, "/pull", Some(body)).await;
            let id = pulling["data"]["systemSoftImageId"].clone();
            let operation = pulling["data"]["operationId"].as_str().expect("an id");
            let ended = admin
                .until(&format!("/operations/{operation}"), |operation| {
                    operation["finishedAt"].is_string()
                })
                .await;
            assert_eq!(ended["status"], "succeeded", "{ended:#}");
            let brought = &ended["steps"][0]["result"]["imageId"];
            assert_eq!(brought, known.unwrap_or(&id), "{ended:#}");
            let (status, image) = monitor(&admin, Method::GET, &format!("/{brought}"), None).await;
            assert_eq!(
                (status, &image["data"]["systemSoftImageStatus"]),
                (StatusCode::OK, &json!("AVAILABLE"))
            );
        }
        app.stop().await;
    }
}
