//! The main job through the real store and runner, with engines in memory.

use std::time::Duration;

use imagefleet_engine::Engine as _;
use imagefleet_engine::fake::{FakeEngine, FakeOptions, Fault, FaultyCall};
use imagefleet_model::{
    Access, ErrorCode, Failure, ImageRef, ImageStatus, PageRequest, ServerId, Status, WaitingCode,
};
use imagefleet_operations::kinds::{delete, pull, sync};
use imagefleet_operations::testing::TestOperations;
use imagefleet_operations::{Actor, Event};
use imagefleet_store::testing::{TestStore, stores};
use imagefleet_store::{ImageFilter, ImageSort};

fn actor() -> Actor {
    Actor {
        user_id: Some(1),
        username: "admin".to_owned(),
    }
}

fn pull_of(reference: &str, servers: &[(ServerId, &str)]) -> pull::PullImages {
    pull::PullImages {
        reference: ImageRef::parse(reference)
            .expect("a reference")
            .with_default_tag(),
        servers: servers
            .iter()
            .map(|(id, name)| (*id, (*name).to_owned()))
            .collect(),
        registry_id: None,
        platform: None,
        software_id: None,
    }
}

async fn start(test: &TestStore) -> TestOperations {
    TestOperations::start(&test.store)
        .await
        .expect("the runner starts")
}

async fn submit_pull(run: &TestOperations, pull: pull::PullImages) -> String {
    let plan = pull::plan(run.operations.deps(), pull, &actor())
        .await
        .expect("planned");
    run.operations.submit(plan).await.expect("submitted").id
}

/// Waits for the next progress of the operation.
async fn progress_of(run: &mut TestOperations, id: &str) {
    loop {
        let event = run.events.recv().await.expect("an event");
        if matches!(&event, Event::Progress(steps) if steps.iter().any(|step| step.operation_id == id)) {
            break;
        }
    }
}

async fn names(test: &TestStore, server: ServerId) -> Vec<(String, ImageStatus)> {
    let filter = ImageFilter {
        server_ids: vec![server],
        ..ImageFilter::default()
    };
    let page = PageRequest { page: 1, size: 200 };
    let page = test
        .store
        .list_images(&filter, ImageSort::default(), &Access::full(), page)
        .await
        .expect("listed");
    page.items
        .into_iter()
        .map(|image| (image.full_name, image.status))
        .collect()
}

#[tokio::test]
async fn a_pull_to_two_servers_ends_with_the_images_there() {
    for test in stores().await {
        let mut run = start(&test).await;
        let a = run
            .fleet
            .add(&test.store, "a", FakeEngine::seeded(1, 0))
            .await
            .expect("added");
        let b = run
            .fleet
            .add(&test.store, "b", FakeEngine::seeded(2, 0))
            .await
            .expect("added");
        let id = submit_pull(&run, pull_of("host:5000/ns/app:1.2", &[(a, "a"), (b, "b")])).await;
        let end = run.end_of(&id).await;
        assert_eq!(end.status, Status::Succeeded, "{:?}", end.error);
        assert_eq!(end.progress, 100);
        for server in [a, b] {
            assert_eq!(
                names(&test, server).await,
                [("host:5000/ns/app:1.2".to_owned(), ImageStatus::Available)]
            );
        }
        run.operations.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn a_missing_image_fails_there_alone_and_retry_runs_only_that_step() {
    for test in stores().await {
        let mut run = start(&test).await;
        let good = FakeEngine::seeded(1, 0);
        let bad = FakeEngine::seeded(2, 0);
        let refused = Failure::new(ErrorCode::ManifestUnknown, "manifest for app:1 not found");
        bad.registry().refuse("app", refused);
        let a = run.fleet.add(&test.store, "a", good).await.expect("added");
        let b = run.fleet.add(&test.store, "b", bad.clone()).await.expect("added");
        let id = submit_pull(&run, pull_of("app:1", &[(a, "a"), (b, "b")])).await;
        let end = run.end_of(&id).await;
        assert_eq!(end.status, Status::Failed);
        let statuses: Vec<Status> = end.steps.iter().map(|step| step.status).collect();
        assert_eq!(statuses, [Status::Succeeded, Status::Failed]);
        let error = end.steps[1].error.clone().expect("a reason");
        assert_eq!(error.code, "manifest_unknown");
        assert!(error.hint.is_some());
        assert_eq!(
            names(&test, b).await,
            [("app:1".to_owned(), ImageStatus::PullFailed)]
        );

        bad.registry().refuse_nothing();
        let first_run = end.steps[0].finished_at;
        run.operations.retry(&id).await.expect("retried");
        let end = run.end_of(&id).await;
        assert_eq!(end.status, Status::Succeeded, "{:?}", end.error);
        assert_eq!(
            end.steps[0].finished_at, first_run,
            "the good step did not run again"
        );
        assert_eq!(
            names(&test, b).await,
            [("app:1".to_owned(), ImageStatus::Available)]
        );
        run.operations.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn a_retried_pull_whose_row_is_gone_works_on_its_new_one() {
    for test in stores().await {
        let mut run = start(&test).await;
        let engine = FakeEngine::new(FakeOptions {
            bytes_per_second: Some(1),
            ..FakeOptions::default()
        });
        let refused = Failure::new(ErrorCode::ManifestUnknown, "manifest for app:1 not found");
        engine.registry().refuse("app", refused);
        let server = run
            .fleet
            .add(&test.store, "a", engine.clone())
            .await
            .expect("added");
        let id = submit_pull(&run, pull_of("app:1", &[(server, "a")])).await;
        let first = run.end_of(&id).await.steps[0].image_id.expect("a row");
        test.store.remove_image_row(first).await.expect("removed");

        run.operations.retry(&id).await.expect("retried");
        let end = run.end_of(&id).await;
        let second = end.steps[0].image_id.expect("a row");
        assert_ne!(second, first);
        let row = test.store.image(second).await.expect("read").expect("there");
        assert_eq!(row.status, ImageStatus::PullFailed);
        assert_eq!(row.error.expect("a reason").code, "manifest_unknown");

        // Cancelled, it leaves nothing, as it found nothing.
        test.store.remove_image_row(second).await.expect("removed");
        engine.registry().refuse_nothing();
        run.operations.retry(&id).await.expect("retried");
        progress_of(&mut run, &id).await;
        run.operations.cancel(&id).await.expect("cancelled");
        assert_eq!(run.end_of(&id).await.status, Status::Cancelled);
        assert_eq!(names(&test, server).await, []);
        run.operations.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn what_may_pass_by_itself_is_tried_again() {
    for test in stores().await {
        let mut run = start(&test).await;
        let engine = FakeEngine::seeded(1, 0);
        engine.inject(FaultyCall::Pull, Fault::CutAfter(10), Some(1));
        let a = run.fleet.add(&test.store, "a", engine).await.expect("added");
        let id = submit_pull(&run, pull_of("app:1", &[(a, "a")])).await;
        let waiting = async || {
            let operation = test.store.existing_operation(&id).await.expect("reads");
            operation.steps[0]
                .waiting_for
                .as_ref()
                .map(|waiting| waiting.code)
        };
        while waiting().await != Some(WaitingCode::Retry) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The step waits for its time on the test's clock.
        test.pass(10);
        run.operations.wake();
        let end = run.end_of(&id).await;
        assert_eq!(end.status, Status::Succeeded, "{:?}", end.error);
        run.operations.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn a_cancelled_pull_stops_and_leaves_what_was_there() {
    for test in stores().await {
        let mut run = start(&test).await;
        let slow = FakeOptions {
            bytes_per_second: Some(1),
            ..FakeOptions::default()
        };
        let a = run
            .fleet
            .add(&test.store, "a", FakeEngine::new(slow))
            .await
            .expect("added");
        let id = submit_pull(&run, pull_of("app:1", &[(a, "a")])).await;
        progress_of(&mut run, &id).await;
        assert_eq!(
            names(&test, a).await,
            [("app:1".to_owned(), ImageStatus::Pulling)]
        );
        run.operations.cancel(&id).await.expect("cancelled");
        let end = run.end_of(&id).await;
        assert_eq!(end.status, Status::Cancelled);
        assert_eq!(end.error.expect("a reason").code, "cancelled");
        assert_eq!(names(&test, a).await, []);
        run.operations.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn progress_grows_and_the_end_comes_last_and_once() {
    for test in stores().await {
        let mut run = start(&test).await;
        let paced = FakeOptions {
            bytes_per_second: Some(200_000_000),
            ..FakeOptions::default()
        };
        let a = run
            .fleet
            .add(&test.store, "a", FakeEngine::new(paced))
            .await
            .expect("added");
        let id = submit_pull(&run, pull_of("app:1", &[(a, "a")])).await;
        let (mut last, mut seq, mut ends) = (0, 0, 0);
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        while let Ok(event) = tokio::time::timeout_at(deadline, run.events.recv()).await {
            match event.expect("an event") {
                Event::Progress(steps) => {
                    for step in steps.iter().filter(|step| step.operation_id == id) {
                        assert!(step.step.progress >= last && step.seq > seq, "falls back");
                        assert_eq!(
                            (step.step.repository.as_deref(), step.step.tag.as_deref()),
                            (Some("app"), Some("1"))
                        );
                        (last, seq) = (step.step.progress, step.seq);
                    }
                }
                Event::Ended(end) if end.operation.id == id => {
                    assert!(end.seq > seq);
                    assert_eq!(last, 100, "the last state was sent before the end");
                    ends += 1;
                    break;
                }
                _ => {}
            }
        }
        assert_eq!(ends, 1);
        run.operations.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn a_sync_makes_the_inventory_equal_to_the_engine() {
    for test in stores().await {
        let mut run = start(&test).await;
        let engine = FakeEngine::seeded(5, 40);
        let a = run
            .fleet
            .add(&test.store, "a", engine.clone())
            .await
            .expect("added");
        for _ in 0..2 {
            let plan = sync::plan(vec![(a, "a".to_owned())], &actor());
            let id = run.operations.submit(plan).await.expect("submitted").id;
            let end = run.end_of(&id).await;
            assert_eq!(end.status, Status::Succeeded, "{:?}", end.error);
            let mut expected: Vec<String> = Vec::new();
            for image in engine.images().await.expect("listed") {
                if image.repo_tags.is_empty() {
                    expected.push(image.id);
                } else {
                    expected.extend(image.repo_tags);
                }
            }
            let mut stored: Vec<String> = names(&test, a).await.into_iter().map(|(name, _)| name).collect();
            expected.sort();
            stored.sort();
            assert_eq!(stored, expected);
            engine.hold("late/comer:1").expect("held");
            let gone = expected
                .iter()
                .find(|name| name.contains(':'))
                .expect("a name")
                .clone();
            engine.remove_image(&gone, true).await.expect("removed");
        }
        run.operations.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn an_unreachable_engine_fails_the_sync_and_keeps_what_was_known() {
    for test in stores().await {
        let options = imagefleet_operations::RunnerOptions {
            attempts: 1,
            ..Default::default()
        };
        let mut run = TestOperations::start_with(&test.store, options)
            .await
            .expect("starts");
        let engine = FakeEngine::seeded(5, 3);
        let a = run
            .fleet
            .add(&test.store, "a", engine.clone())
            .await
            .expect("added");
        let first = sync::plan(vec![(a, "a".to_owned())], &actor());
        let first = run.operations.submit(first).await.expect("submitted").id;
        run.end_of(&first).await;
        let before = names(&test, a).await;
        engine.inject(FaultyCall::Any, Fault::Offline, None);
        let second = sync::plan(vec![(a, "a".to_owned())], &actor());
        let second = run.operations.submit(second).await.expect("submitted").id;
        let end = run.end_of(&second).await;
        assert_eq!(end.error.expect("a reason").code, "engine_unreachable");
        assert_eq!(names(&test, a).await, before);
        run.operations.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn a_delete_takes_the_row_only_when_the_engine_says_so() {
    for test in stores().await {
        let mut run = start(&test).await;
        let engine = FakeEngine::seeded(1, 0);
        engine.hold("app:1").expect("held");
        let a = run
            .fleet
            .add(&test.store, "a", engine.clone())
            .await
            .expect("added");
        let first = run
            .operations
            .submit(sync::plan(vec![(a, "a".to_owned())], &actor()))
            .await
            .expect("submitted");
        run.end_of(&first.id).await;
        let image = test
            .store
            .image_by_name(a, "app:1")
            .await
            .expect("reads")
            .expect("there");

        let refusal = Fault::Status {
            status: 409,
            retry_after: None,
            message: "conflict: in use".to_owned(),
        };
        engine.inject(FaultyCall::RemoveImage, refusal, Some(1));
        for (expected, left) in [
            (Status::Failed, Some(ImageStatus::DeleteFailed)),
            (Status::Succeeded, None),
        ] {
            let deps = run.operations.deps();
            let plan = delete::plan(deps, vec![image.clone()], false, &actor())
                .await
                .expect("planned");
            let id = run.operations.submit(plan).await.expect("submitted").id;
            let end = run.end_of(&id).await;
            assert_eq!(end.status, expected, "{:?}", end.error);
            let now = test.store.image(image.id).await.expect("reads");
            assert_eq!(now.map(|image| image.status), left);
        }
        assert_eq!(engine.image_count(), 0);
        run.operations.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn a_delete_of_what_no_pull_has_brought_asks_the_engine_when_it_can() {
    for test in stores().await {
        let mut run = start(&test).await;
        for (reachable, came) in [(true, false), (true, true), (false, false)] {
            let engine = FakeEngine::seeded(1, 0);
            let name = format!("a{reachable}{came}");
            let server = run
                .fleet
                .add(&test.store, &name, engine.clone())
                .await
                .expect("added");
            let refusal = Fault::Status {
                status: 404,
                retry_after: None,
                message: "manifest unknown".to_owned(),
            };
            engine.inject(FaultyCall::Pull, refusal, Some(1));
            let pull = submit_pull(&run, pull_of("app:1", &[(server, &name)])).await;
            assert_eq!(run.end_of(&pull).await.status, Status::Failed);
            let image = test
                .store
                .image_by_name(server, "app:1")
                .await
                .expect("reads")
                .expect("a row");
            assert_eq!(image.engine_id, "");
            let plan = delete::plan(run.operations.deps(), vec![image.clone()], false, &actor())
                .await
                .expect("planned");
            if came {
                engine.hold("app:1").expect("held");
            }
            if !reachable {
                engine.inject(FaultyCall::Any, Fault::Offline, None);
            }
            let id = run.operations.submit(plan).await.expect("submitted").id;
            let end = run.end_of(&id).await;
            assert_eq!(end.status, Status::Succeeded, "{name}: {:?}", end.error);
            assert_eq!(engine.image_count(), 0, "{name}");
            assert!(
                test.store.image(image.id).await.expect("reads").is_none(),
                "{name}"
            );
        }
        run.operations.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn after_a_crash_nothing_is_stuck_and_retry_works() {
    for test in stores().await {
        let slow = FakeOptions {
            bytes_per_second: Some(1),
            ..FakeOptions::default()
        };
        let run = start(&test).await;
        let a = run
            .fleet
            .add(&test.store, "a", FakeEngine::new(slow))
            .await
            .expect("added");
        let id = submit_pull(&run, pull_of("app:1", &[(a, "a")])).await;
        while test.store.existing_operation(&id).await.expect("reads").status != Status::Running {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The program dies: its runner never comes to finish anything. On SQLite the next start knows that nobody
        // else can be alive, on PostgreSQL the lease has to end.
        let dead = run;
        test.pass(60);
        let mut alive = start(&test).await;
        assert_eq!(
            alive.end_of(&id).await.status,
            Status::Interrupted,
            "the end is announced"
        );
        let end = test.store.existing_operation(&id).await.expect("reads");
        assert_eq!(end.status, Status::Interrupted);
        assert_eq!(end.steps[0].error.clone().expect("a reason").code, "interrupted");
        let image = test.store.image_by_name(a, "app:1").await.expect("reads");
        assert!(image.is_none_or(|image| image.status == ImageStatus::PullFailed));
        // What is left of the dead one takes no more steps, and its end changes nothing.
        dead.operations.shutdown(Duration::ZERO).await;
        run_again(&mut alive, &test, &id).await;
    }
}

async fn run_again(alive: &mut TestOperations, test: &TestStore, id: &str) {
    let b = alive
        .fleet
        .add(&test.store, "b", FakeEngine::seeded(1, 0))
        .await
        .expect("added");
    assert!(b > 0);
    let again = alive.operations.retry(id).await.expect("retried");
    assert_eq!(again.steps[0].status, Status::Queued);
    // The server of the old step has no engine in this fleet: it ends with a clear failure instead of hanging.
    let end = alive.end_of(id).await;
    assert_eq!(end.error.expect("a reason").code, "server_not_found");
    alive.operations.shutdown(Duration::ZERO).await;
}
