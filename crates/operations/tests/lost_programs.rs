//! What another program on the same database left behind when it died is put right by the one that lives.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use imagefleet_archive::Compression;
use imagefleet_engine::fake::FakeEngine;
use imagefleet_model::{Access, ImageRef, ImageStatus, PageRequest, ServerId, Status};
use imagefleet_operations::kinds::{export, pull, sync};
use imagefleet_operations::testing::TestOperations;
use imagefleet_operations::{Actor, RunnerOptions};
use imagefleet_store::testing::{TestStore, stores};
use imagefleet_store::{ImageFilter, ImageSort, NewExport, NewOperation};

/// A program that runs nothing itself, with a server that holds one image.
async fn start(at: &TestStore) -> (TestOperations, ServerId) {
    let options = RunnerOptions {
        parallel: 0,
        lease: Duration::from_millis(400),
        ..RunnerOptions::default()
    };
    let run = TestOperations::start_with(&at.store, options)
        .await
        .expect("starts");
    let engine = FakeEngine::seeded(1, 0);
    engine.hold("team/app:1").expect("held");
    let server = run
        .fleet
        .add(&at.store, "a", engine.clone())
        .await
        .expect("added");
    sync::refresh(run.operations.deps(), server, &engine, &|_| {})
        .await
        .expect("looked at");
    (run, server)
}

/// Another program takes the operation's step; the operation's id.
async fn taken(at: &TestStore, run: &TestOperations, plan: NewOperation) -> String {
    let id = run.operations.submit(plan).await.expect("submitted").id;
    let step = at.store.claim_step("lost", 1_000).await.expect("claims");
    assert_eq!(step.expect("a step").operation_id, id);
    id
}

/// That program dies: its lease ends, and the image that it worked on has stood so for long enough.
async fn lost(at: &TestStore, run: &mut TestOperations, operation: &str) -> Status {
    at.pass(20);
    run.end_of(operation).await.status
}

/// Waits until it is so.
async fn until(what: impl AsyncFn() -> bool) {
    let seen = tokio::time::timeout(Duration::from_secs(20), async {
        while !what().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    seen.await.expect("it never was so");
}

#[tokio::test]
async fn a_half_made_export_goes() {
    for at in stores().await {
        let (mut run, server) = start(&at).await;
        let (everything, page) = (Access::full(), PageRequest::default());
        let images = at
            .store
            .list_images(&ImageFilter::default(), ImageSort::default(), &everything, page)
            .await
            .expect("listed");
        let actor = Actor::system();
        let (plan, ids) =
            export::plan(images.items, Compression::None, false, "now", &actor).expect("planned");
        let operation = taken(&at, &run, plan).await;
        let location = format!("exports/{}", ids[0]);
        let new = NewExport {
            operation_id: Some(operation.clone()),
            file_name: "a.tar".to_owned(),
            location: location.clone(),
            server_id: server,
            images: Vec::new(),
            user_id: None,
            created_by: actor.username,
        };
        at.store.create_export(&ids[0], new).await.expect("a row");
        let deps = run.operations.deps().clone();
        let half = stream::iter([Ok(Bytes::from_static(b"half"))]).boxed();
        deps.archives.write(&location, half).await.expect("written");
        assert_eq!(lost(&at, &mut run, &operation).await, Status::Interrupted);
        until(async || at.store.any_export(&ids[0]).await.is_err()).await;
        until(async || deps.archives.size(&location).await.is_err()).await;
    }
}

#[tokio::test]
async fn an_image_does_not_stay_as_if_it_were_being_pulled() {
    for at in stores().await {
        let (mut run, server) = start(&at).await;
        let pull = pull::PullImages {
            reference: ImageRef::parse("team/app:1").expect("a reference"),
            servers: vec![(server, "a".to_owned())],
            registry_id: None,
            platform: None,
            software_id: None,
        };
        let plan = pull::plan(run.operations.deps(), pull, &Actor::system())
            .await
            .expect("planned");
        let status = async || {
            let row = at.store.image_by_name(server, "team/app:1").await.expect("read");
            row.expect("there").status
        };
        assert_eq!(status().await, ImageStatus::Pulling);
        let operation = taken(&at, &run, plan).await;
        assert_eq!(lost(&at, &mut run, &operation).await, Status::Interrupted);
        until(async || status().await == ImageStatus::PullFailed).await;
    }
}
