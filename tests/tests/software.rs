//! The catalogue through the real router.

use axum::http::StatusCode;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, everywhere};
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
