//! The catalogue through the real router.

use axum::http::{Method, StatusCode};
use imagefleet_store::testing;
use imagefleet_tests::app::{App, everywhere};
use imagefleet_tests::images::{monitor, server};
use serde_json::json;

#[tokio::test]
async fn built_in_entries_stay_and_own_ones_come_and_go() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let found = admin.get("/software?q=mysql&builtin=true").await.body;
        let mysql = found["items"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|entry| entry["repository"] == "mysql");
        let mysql = mysql.expect("it is built in").clone();
        let password = &mysql["form"]["env"][0];
        assert_eq!(
            (&password["name"], &password["required"], &password["secret"]),
            (&json!("MYSQL_ROOT_PASSWORD"), &json!(true), &json!(true))
        );
        let path = format!("/software/{}", mysql["id"]);
        let refused = admin.patch(&path, json!({"name": "x"})).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::CONFLICT, "conflict")
        );
        assert_eq!(admin.delete(&path).await.status, StatusCode::CONFLICT);

        let added = admin
            .post(
                "/software",
                json!({"name": "Ours", "repository": "docker.io/library/mysql", "defaultTag": "8.0"}),
            )
            .await;
        assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
        assert_eq!(
            (&added.body["repository"], &added.body["builtin"]),
            (&json!("mysql"), &json!(false))
        );
        let own = format!("/software/{}", added.body["id"]);
        assert_eq!(
            admin
                .post("/software", json!({"name": "Again", "repository": "mysql"}))
                .await
                .code(),
            "name_taken"
        );
        let changed = admin.patch(&own, json!({"category": "database"})).await;
        assert_eq!(
            (&changed.body["name"], &changed.body["category"]),
            (&json!("Ours"), &json!("database"))
        );

        let file = admin.get("/software/export").await;
        assert!(
            file.headers["content-disposition"]
                .to_str()
                .is_ok_and(|value| value.starts_with("attachment"))
        );
        assert_eq!(file.body["software"].as_array().map(Vec::len), Some(1));
        assert_eq!(admin.delete(&own).await.status, StatusCode::NO_CONTENT);
        let imported = admin.post("/software/import", file.body.clone()).await;
        assert_eq!(imported.body, json!({"added": 1, "updated": 0}), "{imported:?}");
        assert_eq!(
            admin.post("/software/import", file.body).await.body,
            json!({"added": 0, "updated": 1})
        );
        let bad = json!({"software": [{"name": "a", "repository": "a"}, {"name": "b", "repository": "B"}]});
        assert_eq!(
            admin.post("/software/import", bad).await.fields(),
            ["software[1].repository"]
        );
        assert_eq!(
            admin.get("/software?builtin=false").await.body["total"],
            1,
            "all of a file, or none"
        );
        app.stop().await;
    }
}

#[tokio::test]
async fn everybody_reads_and_few_write() {
    let app = App::start(testing::sqlite().await).await;
    app.user("operator", vec![everywhere("operator")]).await;
    let operator = app.login("operator").await;
    assert_eq!(operator.get("/software").await.status, StatusCode::OK);
    assert_eq!(operator.get("/software/999").await.status, StatusCode::NOT_FOUND);
    let entry = json!({"name": "a", "repository": "a"});
    assert_eq!(
        operator.post("/software", entry.clone()).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        operator
            .post("/software/import", json!({"software": [entry]}))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(operator.delete("/software/1").await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        app.nobody().get("/software").await.status,
        StatusCode::UNAUTHORIZED
    );
    app.stop().await;
}

#[tokio::test]
async fn who_pulls_from_a_mirror_says_which_software_it_is() {
    for at in testing::stores().await {
        let app = App::start(at).await;
        let admin = app.login("admin").await;
        let (engine, server) = server(&app, &admin, "a", &[]).await;
        let builtin = admin.get("/software?q=mysql&builtin=true").await.body;
        let mut builtin = builtin["items"].as_array().into_iter().flatten();
        let mysql = builtin.find(|entry| entry["repository"] == "mysql");
        let mysql = mysql.expect("it is built in")["id"].clone();
        let mirrored = "mirror.example:5000/library/mysql:8";
        engine.registry().publish(&mirrored.parse().expect("a reference"));
        let pull = json!({"reference": mirrored, "serverIds": [server]});

        admin
            .end_of(&admin.post("/images/pull", pull.clone()).await)
            .await;
        let image = admin.get("/images").await.body["items"][0].clone();
        assert_eq!(
            (&image["fullName"], &image["softwareId"]),
            (&json!(mirrored), &json!(null))
        );
        let mut said = pull.clone();
        said["softwareId"] = mysql.clone();
        admin.end_of(&admin.post("/images/pull", said).await).await;
        // And it stays so when nothing is said.
        admin.end_of(&admin.post("/images/pull", pull).await).await;
        let image = admin.get(&format!("/images?softwareId={mysql}")).await.body["items"][0].clone();
        assert_eq!(
            (&image["fullName"], &image["softwareId"]),
            (&json!(mirrored), &mysql)
        );
        let (_, listed) = monitor(&admin, Method::GET, &format!("/list?softId={mysql}"), None).await;
        assert_eq!(listed["data"][0]["systemSoftId"], mysql, "{listed}");

        let path = format!("/images/{}", image["id"]);
        let form = admin.get(&format!("{path}/container-form")).await.body;
        assert_eq!(
            (&form["software"]["id"], &form["env"][0]["name"]),
            (&mysql, &json!("MYSQL_ROOT_PASSWORD"))
        );
        let create = format!("{path}/containers");
        let answer = admin.post(&create, json!({"name": "db"})).await;
        assert_eq!(answer.fields(), ["env.MYSQL_ROOT_PASSWORD"], "{answer:?}");
        let env = json!({"MYSQL_ROOT_PASSWORD": "secret"});
        let made = admin.post(&create, json!({"name": "db", "env": env})).await;
        assert_eq!(admin.end_of(&made).await["status"], "succeeded");
        let containers = admin.get(&format!("/containers?softwareId={mysql}")).await.body;
        assert_eq!(
            (&containers["total"], &containers["items"][0]["softwareId"]),
            (&json!(1), &mysql)
        );

        let own = json!({"name": "Ours", "repository": "team/mysql"});
        let own = admin.post("/software", own).await.body["id"].clone();
        let both = json!({"softId": own, "serverId": server, "fullImageName": mirrored});
        let (_, pulled) = monitor(&admin, Method::POST, "/pull", Some(both)).await;
        assert_eq!(pulled["data"]["systemSoftId"], own, "{pulled}");
        let operation = format!(
            "/operations/{}",
            pulled["data"]["operationId"].as_str().expect("an id")
        );
        admin
            .until(&operation, |operation| operation["finishedAt"].is_string())
            .await;
        assert_eq!(admin.get("/containers").await.body["items"][0]["softwareId"], own);
        admin.delete(&format!("/software/{own}")).await;
        assert_eq!(admin.get(&path).await.body["softwareId"], json!(null));
        app.stop().await;
    }
}
