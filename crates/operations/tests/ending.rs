//! How the runner ends: what runs is finished in the grace, or handed over.

use std::time::Duration;

use imagefleet_engine::fake::{FakeEngine, FakeOptions};
use imagefleet_model::{ImageRef, ImageStatus, Status};
use imagefleet_operations::kinds::pull;
use imagefleet_operations::testing::TestOperations;
use imagefleet_operations::{Actor, Event};
use imagefleet_store::testing::stores;

fn pull_of(reference: &str, server: i64) -> pull::PullImages {
    pull::PullImages {
        reference: ImageRef::parse(reference).expect("a reference"),
        servers: vec![(server, "a".to_owned())],
        registry_id: None,
        platform: None,
        software_id: None,
    }
}

#[tokio::test]
async fn what_cannot_be_finished_is_handed_over_and_goes_on_with_who_comes_next() {
    for test in stores().await {
        let mut run = TestOperations::start(&test.store).await.expect("starts");
        let slow = FakeOptions {
            bytes_per_second: Some(1),
            ..FakeOptions::default()
        };
        let server = run
            .fleet
            .add(&test.store, "a", FakeEngine::new(slow))
            .await
            .expect("added");
        let plan = pull::plan(run.operations.deps(), pull_of("app:1", server), &Actor::system())
            .await
            .expect("planned");
        let id = run.operations.submit(plan).await.expect("submitted").id;
        while test.store.existing_operation(&id).await.expect("reads").status != Status::Running {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        run.operations.shutdown(Duration::ZERO).await;
        let held = test.store.existing_operation(&id).await.expect("reads");
        assert_eq!((held.steps[0].status, held.finished_at), (Status::Queued, None));
        let image = test.store.image_by_name(server, "app:1").await.expect("reads");
        assert_eq!(
            image.expect("its row").status,
            ImageStatus::Pulling,
            "it is still to come"
        );
        while let Ok(event) = run.events.try_recv() {
            assert!(!matches!(event, Event::Ended(_)), "it has not ended");
        }
        let mut next = TestOperations::start(&test.store).await.expect("starts");
        // That program's fleet does not know the server: the step runs there, and ends with a clear failure.
        let end = next.end_of(&id).await;
        assert_eq!(end.error.expect("a reason").code, "server_not_found");
        next.operations.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn what_can_be_finished_in_the_grace_is() {
    for test in stores().await {
        let mut run = TestOperations::start(&test.store).await.expect("starts");
        let server = run
            .fleet
            .add(&test.store, "a", FakeEngine::seeded(1, 0))
            .await
            .expect("added");
        let plan = pull::plan(run.operations.deps(), pull_of("app:1", server), &Actor::system())
            .await
            .expect("planned");
        let id = run.operations.submit(plan).await.expect("submitted").id;
        while test.store.existing_operation(&id).await.expect("reads").status == Status::Queued {
            tokio::task::yield_now().await;
        }
        run.operations.shutdown(Duration::from_mins(1)).await;
        assert_eq!(run.end_of(&id).await.status, Status::Succeeded);
    }
}
