//! Several programs on one `PostgreSQL`. The one that works lives in a runtime of its own: when that ends, it is as dead
//! as a killed process, its leases stay behind.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use imagefleet_archive::build::docker_archive;
use imagefleet_operations::RunnerOptions;
use imagefleet_store::testing;
use imagefleet_tests::app::App;
use imagefleet_tests::archives;
use tokio::runtime::Runtime;

/// The program that works, and the one in front that takes no steps yet.
async fn two() -> Option<(Runtime, Arc<App>, App)> {
    let runtime = Runtime::new().expect("a runtime");
    let starting = runtime.spawn(async {
        let at = testing::shared().await?;
        Some(Arc::new(App::start(at).await))
    });
    let Some(worker) = starting.await.expect("it starts") else {
        runtime.shutdown_background();
        return None;
    };
    let options = RunnerOptions {
        lease: Duration::from_secs(2),
        ..RunnerOptions::default()
    };
    let front = worker.beside(options).await;
    Some((runtime, worker, front))
}

#[tokio::test]
async fn an_upload_begun_on_one_is_continued_on_another() {
    let Some((runtime, worker, front)) = two().await else {
        return;
    };
    let tar = docker_archive(&[archives::image(&["team/app:1"], &[1], 30_000)]);
    let (length, half) = (tar.len(), tar.len() / 2);
    let admin = front.login("admin").await;
    let length = length.to_string();
    let headers = [("tus-resumable", "1.0.0"), ("upload-length", length.as_str())];
    let created = admin
        .raw("POST", "/api/v1/uploads", &headers, Body::empty())
        .await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    let path = created.header("location").to_owned();
    let part = |offset: usize| {
        [
            ("tus-resumable", "1.0.0".to_owned()),
            ("content-type", "application/offset+octet-stream".to_owned()),
            ("upload-offset", offset.to_string()),
        ]
    };
    let first = part(0);
    let first: Vec<(&str, &str)> = first
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let sent = admin
        .raw("PATCH", &path, &first, Body::from(tar[..half].to_vec()))
        .await;
    assert_eq!(sent.status, StatusCode::NO_CONTENT, "{sent:?}");
    let (other, rest, at) = (Arc::clone(&worker), tar[half..].to_vec(), path.clone());
    let continued = runtime.spawn(async move {
        let admin = other.login("admin").await;
        let second = part(half);
        let second: Vec<(&str, &str)> = second
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        admin.raw("PATCH", &at, &second, Body::from(rest)).await.status
    });
    assert_eq!(continued.await.expect("an answer"), StatusCode::NO_CONTENT);
    let contents = path.strip_prefix("/api/v1").expect("of this API");
    let contents = admin.get(&format!("{contents}/archive")).await;
    assert!(contents.body.to_string().contains("team/app:1"), "{contents:?}");
    front.stop().await;
    runtime.shutdown_background();
}
