//! The queue of operations, on every database at hand.

use imagefleet_model::{Access, ErrorCode, Failure, OperationKind, PageRequest, Progress, Status, Verb};
use imagefleet_store::testing::{shared, stores};
use imagefleet_store::{
    LeaseClock, NewOperation, NewStep, OperationFilter, ProgressUpdate, StepOutcome, Store, StoreError,
};
use sea_orm::ConnectionTrait as _;
use serde_json::json;

const LEASE: i64 = 10_000;

fn step(server: i64, share_key: Option<&str>) -> NewStep {
    NewStep {
        server_id: server,
        server_name: format!("server {server}"),
        image_id: None,
        repository: Some("team/app".to_owned()),
        tag: Some("1".to_owned()),
        payload: json!({}),
        exclusive: true,
        bulk: false,
        share_key: share_key.map(ToOwned::to_owned),
    }
}

fn operation(by: &str, steps: Vec<NewStep>) -> NewOperation {
    NewOperation {
        kind: OperationKind::PullImage,
        title: "Pull team/app:1".to_owned(),
        user_id: None,
        created_by: by.to_owned(),
        request: json!({}),
        steps,
    }
}

fn well() -> StepOutcome {
    StepOutcome::Succeeded("done".to_owned(), json!({ "x": 1 }))
}

fn badly() -> StepOutcome {
    StepOutcome::Failed(Failure::new(ErrorCode::ManifestUnknown, "manifest unknown").info())
}

async fn status(store: &Store, id: &str) -> Status {
    store.existing_operation(id).await.expect("readable").status
}

#[tokio::test]
async fn one_changing_step_at_a_time_on_a_server_and_servers_in_parallel() {
    for test in stores().await {
        let store = &test.store;
        store
            .create_operation(operation("a", vec![step(1, None), step(2, None)]))
            .await
            .expect("created");
        let second = store
            .create_operation(operation("a", vec![step(1, None)]))
            .await
            .expect("created");
        let first = store
            .claim_step("w", LEASE)
            .await
            .expect("claims")
            .expect("a step");
        let other = store
            .claim_step("w", LEASE)
            .await
            .expect("claims")
            .expect("a step");
        assert_eq!((first.server_id, other.server_id), (1, 2));
        assert!(
            store.claim_step("w", LEASE).await.expect("claims").is_none(),
            "server 1 is busy"
        );
        let waiting = store.existing_operation(&second.id).await.expect("readable");
        assert_eq!(waiting.steps[0].message, "Waits for: Pull team/app:1");
        store.finish_step(first.id, "w", &well()).await.expect("finishes");
        assert_eq!(
            store
                .claim_step("w", LEASE)
                .await
                .expect("claims")
                .expect("a step")
                .operation_id,
            second.id
        );
    }
}

#[tokio::test]
async fn users_take_turns_and_bulk_comes_last() {
    for test in stores().await {
        let store = &test.store;
        let mut bulk = step(9, None);
        bulk.bulk = true;
        store
            .create_operation(operation("a", vec![bulk]))
            .await
            .expect("created");
        store
            .create_operation(operation("a", vec![step(1, None), step(2, None)]))
            .await
            .expect("created");
        store
            .create_operation(operation("b", vec![step(3, None)]))
            .await
            .expect("created");
        let mut order = Vec::new();
        while let Some(step) = store.claim_step("w", LEASE).await.expect("claims") {
            order.push((step.created_by, step.server_id));
        }
        let order: Vec<(&str, i64)> = order.iter().map(|(by, server)| (by.as_str(), *server)).collect();
        assert_eq!(order, [("a", 1), ("b", 3), ("a", 2), ("a", 9)]);
    }
}

#[tokio::test]
async fn an_equal_step_is_shared_and_ends_with_the_other() {
    for test in stores().await {
        let store = &test.store;
        let first = store
            .create_operation(operation("a", vec![step(1, Some("k"))]))
            .await
            .expect("created");
        let waiting = store
            .create_operation(operation("b", vec![step(1, Some("k"))]))
            .await
            .expect("created");
        let run = store
            .claim_step("w", LEASE)
            .await
            .expect("claims")
            .expect("a step");
        let late = store
            .create_operation(operation("c", vec![step(1, Some("k"))]))
            .await
            .expect("created");
        assert!(
            store.claim_step("w", LEASE).await.expect("claims").is_none(),
            "equal steps run once"
        );
        let update = ProgressUpdate {
            step: run.id,
            progress: Progress {
                percent: 40,
                ..Progress::default()
            },
        };
        let stored = store.save_progress(&[update]).await.expect("stores");
        assert_eq!(stored.len(), 3, "all three operations hear of it");
        for id in [&first.id, &waiting.id, &late.id] {
            let read = store.existing_operation(id).await.expect("readable");
            assert_eq!((read.status, read.steps[0].progress), (Status::Running, 40));
        }
        let settled = store.finish_step(run.id, "w", &well()).await.expect("finishes");
        assert_eq!(settled.ended.len(), 3);
        for id in [&first.id, &waiting.id, &late.id] {
            assert_eq!(status(store, id).await, Status::Succeeded);
        }
    }
}

#[tokio::test]
async fn when_the_shared_step_is_cancelled_the_next_takes_its_place() {
    for test in stores().await {
        let store = &test.store;
        let first = store
            .create_operation(operation("a", vec![step(1, Some("k"))]))
            .await
            .expect("created");
        let second = store
            .create_operation(operation("b", vec![step(1, Some("k"))]))
            .await
            .expect("created");
        let run = store
            .claim_step("w", LEASE)
            .await
            .expect("claims")
            .expect("a step");
        let cancelled = store.cancel_operation(&first.id).await.expect("cancels");
        assert_eq!(cancelled.running, [run.id]);
        store
            .finish_step(run.id, "w", &StepOutcome::Cancelled)
            .await
            .expect("finishes");
        assert_eq!(status(store, &first.id).await, Status::Cancelled);
        let next = store
            .claim_step("w", LEASE)
            .await
            .expect("claims")
            .expect("the other's step");
        assert_eq!(next.operation_id, second.id);
    }
}

#[tokio::test]
async fn progress_never_falls_back_and_events_are_numbered() {
    for test in stores().await {
        let store = &test.store;
        let made = store
            .create_operation(operation("a", vec![step(1, None)]))
            .await
            .expect("created");
        let run = store
            .claim_step("w", LEASE)
            .await
            .expect("claims")
            .expect("a step");
        let mut seen = Vec::new();
        for percent in [10, 60, 20] {
            let progress = Progress {
                percent,
                message: "m".to_owned(),
                ..Progress::default()
            };
            let stored = store
                .save_progress(&[ProgressUpdate {
                    step: run.id,
                    progress,
                }])
                .await
                .expect("stores");
            seen.push((stored[0].step.progress, stored[0].seq));
        }
        assert_eq!(seen, [(10, 1), (60, 2), (60, 3)]);
        assert_eq!(
            store
                .existing_operation(&made.id)
                .await
                .expect("readable")
                .progress,
            60
        );
    }
}

#[tokio::test]
async fn what_its_worker_has_lost_sight_of_is_not_renewed() {
    for test in stores().await {
        let store = &test.store;
        let new = operation("a", vec![step(1, None), step(2, None)]);
        store.create_operation(new).await.expect("created");
        let mut claimed = Vec::new();
        for _ in 0..2 {
            let step = store.claim_step("w", LEASE).await.expect("claims");
            claimed.push(step.expect("a step").id);
        }
        test.pass(9);
        // The answer to the second claim never came: only the first one runs.
        store
            .renew_leases("w", &claimed[..1], LEASE)
            .await
            .expect("renews");
        test.pass(5);
        let settled = store.interrupt_expired(&[]).await.expect("interrupts");
        assert_eq!(settled.steps, claimed[1..]);
    }
}

#[tokio::test]
async fn a_clock_that_jumps_ends_nothing_that_is_known_to_run() {
    for test in stores().await {
        let store = &test.store;
        let new = operation("a", vec![step(1, None), step(2, None)]);
        store.create_operation(new).await.expect("created");
        let ours = store.claim_step("w", LEASE).await.expect("claims");
        let ours = ours.expect("a step").id;
        let lost = store.claim_step("other", LEASE).await.expect("claims");
        let lost = lost.expect("a step").id;
        // A night passes between the renewal and the look for lost ones.
        test.pass(30_000);
        let settled = store.interrupt_expired(&[ours]).await.expect("interrupts");
        assert_eq!(settled.steps, [lost]);
    }
}

#[tokio::test]
async fn a_program_whose_clock_is_ahead_ends_nothing_of_the_others() {
    let Some(test) = shared().await else { return };
    let store = test.store.clone().with_lease_clock(LeaseClock::Database);
    store
        .create_operation(operation("a", vec![step(1, None)]))
        .await
        .expect("created");
    let running = store.claim_step("a", LEASE).await.expect("claims");
    let running = running.expect("a step").id;
    let century = 100 * 365 * 86_400;
    test.pass(century);
    let settled = store.interrupt_expired(&[]).await.expect("looks");
    assert!(settled.steps.is_empty(), "to the database the lease is not over");
    let by_own = test.store.interrupt_expired(&[]).await.expect("looks");
    assert_eq!(by_own.steps, [running], "its own clock says that it is");
}

#[tokio::test]
async fn a_lost_lease_is_interrupted_and_can_be_retried() {
    for test in stores().await {
        let store = &test.store;
        let made = store
            .create_operation(operation("a", vec![step(1, None), step(2, None)]))
            .await
            .expect("created");
        let dead = store
            .claim_step("dead", LEASE)
            .await
            .expect("claims")
            .expect("a step");
        let alive = store
            .claim_step("alive", LEASE)
            .await
            .expect("claims")
            .expect("a step");
        test.pass(9);
        let renewed = store.renew_leases("alive", &[alive.id], LEASE).await;
        renewed.expect("renews");
        test.pass(5);
        let settled = store.interrupt_expired(&[]).await.expect("interrupts");
        assert_eq!(settled.steps, [dead.id]);
        store
            .finish_step(alive.id, "alive", &well())
            .await
            .expect("finishes");
        assert_eq!(status(store, &made.id).await, Status::Interrupted);
        let too_late = store
            .finish_step(dead.id, "dead", &well())
            .await
            .expect("answers");
        assert!(
            too_late.steps.is_empty(),
            "a lost step cannot be finished by its old worker"
        );
        let again = store.retry_operation(&made.id).await.expect("reopens");
        let statuses: Vec<Status> = again.steps.iter().map(|step| step.status).collect();
        assert_eq!(statuses, [Status::Queued, Status::Succeeded]);
        let run = store
            .claim_step("alive", LEASE)
            .await
            .expect("claims")
            .expect("a step");
        assert_eq!(run.id, dead.id);
        store
            .finish_step(run.id, "alive", &well())
            .await
            .expect("finishes");
        assert_eq!(status(store, &made.id).await, Status::Succeeded);
    }
}

#[tokio::test]
async fn a_passing_failure_waits_for_its_time() {
    for test in stores().await {
        let store = &test.store;
        store
            .create_operation(operation("a", vec![step(1, None)]))
            .await
            .expect("created");
        let run = store
            .claim_step("w", LEASE)
            .await
            .expect("claims")
            .expect("a step");
        let reason = Failure::new(ErrorCode::RateLimited, "toomanyrequests").info();
        store
            .finish_step(run.id, "w", &StepOutcome::Again(reason, 5_000))
            .await
            .expect("finishes");
        assert!(
            store.claim_step("w", LEASE).await.expect("claims").is_none(),
            "it is too early"
        );
        test.pass(6);
        assert_eq!(
            store
                .claim_step("w", LEASE)
                .await
                .expect("claims")
                .expect("a step")
                .attempt,
            2
        );
    }
}

#[tokio::test]
async fn the_end_is_announced_exactly_once() {
    for test in stores().await {
        let store = &test.store;
        let made = store
            .create_operation(operation("a", vec![step(1, None), step(2, None)]))
            .await
            .expect("created");
        assert!(
            store
                .take_announcement(&made.id)
                .await
                .expect("answers")
                .is_none(),
            "it has not ended"
        );
        for outcome in [well(), badly()] {
            let run = store
                .claim_step("w", LEASE)
                .await
                .expect("claims")
                .expect("a step");
            store.finish_step(run.id, "w", &outcome).await.expect("finishes");
        }
        assert_eq!(
            store.unannounced_operations().await.expect("answers"),
            std::slice::from_ref(&made.id)
        );
        let end = store
            .take_announcement(&made.id)
            .await
            .expect("answers")
            .expect("ours")
            .end;
        assert_eq!(end.operation.status, Status::Failed);
        let error = end.operation.error.expect("a reason");
        assert_eq!(error.code, "manifest_unknown");
        assert_eq!(error.message, "1 of 2 done; server 2: manifest unknown");
        assert!(
            store
                .take_announcement(&made.id)
                .await
                .expect("answers")
                .is_none()
        );
        assert!(store.unannounced_operations().await.expect("answers").is_empty());
    }
}

#[tokio::test]
async fn an_ended_operation_cannot_be_cancelled_and_a_good_one_not_retried() {
    for test in stores().await {
        let store = &test.store;
        let made = store
            .create_operation(operation("a", vec![step(1, None)]))
            .await
            .expect("created");
        let run = store
            .claim_step("w", LEASE)
            .await
            .expect("claims")
            .expect("a step");
        store.finish_step(run.id, "w", &well()).await.expect("finishes");
        for refused in [
            store.cancel_operation(&made.id).await.map(|_| ()),
            store.retry_operation(&made.id).await.map(|_| ()),
        ] {
            assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
        }
    }
}

#[tokio::test]
async fn lists_show_only_what_the_caller_may_see() {
    for test in stores().await {
        let store = &test.store;
        let made = store
            .create_operation(operation("a", vec![step(1, None)]))
            .await
            .expect("created");
        store
            .create_operation(operation("a", vec![step(2, None)]))
            .await
            .expect("created");
        let mut access = Access::default();
        access.add(vec![Verb::ImageView], Some(vec![1]), &["team/*".to_owned()]);
        let filter = OperationFilter {
            active: Some(true),
            ..OperationFilter::default()
        };
        let page = store
            .list_operations(&filter, &access, PageRequest::default())
            .await
            .expect("reads");
        assert_eq!((page.total, page.items[0].id.as_str()), (1, made.id.as_str()));
        assert!(store.operation_visible(&made.id, &access).await.expect("reads"));
        assert!(
            !store
                .operation_visible(&made.id, &Access::default())
                .await
                .expect("reads")
        );
        let all = store
            .list_operations(&filter, &Access::full(), PageRequest::default())
            .await
            .expect("reads");
        assert_eq!(all.total, 2);
        let beyond = PageRequest { page: 9, size: 20 };
        let beyond = store
            .list_operations(&filter, &Access::full(), beyond)
            .await
            .expect("reads");
        assert_eq!((beyond.total, beyond.items.len()), (2, 0));
    }
}

#[tokio::test]
async fn what_ends_at_the_same_moment_ends_its_operation() {
    for test in stores().await {
        let store = &test.store;
        for round in 0..20 {
            let both = store
                .create_operation(operation("a", vec![step(1, None), step(2, None)]))
                .await
                .expect("created");
            let first = claimed(store).await.expect("a step");
            let second = claimed(store).await.expect("a step");
            let (ended, other) = (well(), badly());
            let (one, two) = tokio::join!(
                store.finish_step(first, "w", &ended),
                store.finish_step(second, "w", &other)
            );
            let said = [one.expect("finishes").ended, two.expect("finishes").ended].concat();
            assert_eq!(said, std::slice::from_ref(&both.id), "round {round}: told once");
            assert_eq!(status(store, &both.id).await, Status::Failed, "round {round}");
        }
    }
}

#[tokio::test]
async fn a_step_that_joins_work_in_the_moment_of_its_end_is_not_forgotten() {
    for test in stores().await {
        let store = &test.store;
        for round in 0..20 {
            let leader = store
                .create_operation(operation("a", vec![step(1, Some("same"))]))
                .await
                .expect("created");
            let running = claimed(store).await.expect("a step");
            let outcome = well();
            let (ended, joined) = tokio::join!(
                store.finish_step(running, "w", &outcome),
                store.create_operation(operation("b", vec![step(1, Some("same"))]))
            );
            ended.expect("finishes");
            let joined = joined.expect("created");
            // It came in time and has ended with the other, or too late and is claimed itself.
            while let Some(own) = claimed(store).await {
                store.finish_step(own, "w", &outcome).await.expect("finishes");
            }
            for id in [&leader.id, &joined.id] {
                assert_eq!(status(store, id).await, Status::Succeeded, "round {round}");
            }
        }
    }
}

async fn claimed(store: &Store) -> Option<i64> {
    let step = store.claim_step("w", LEASE).await.expect("claims")?;
    Some(step.id)
}

#[tokio::test]
async fn an_end_that_could_not_be_read_is_told_later() {
    for test in stores().await {
        let store = &test.store;
        let id = store
            .create_operation(operation("a", vec![step(1, None)]))
            .await
            .expect("created")
            .id;
        let claimed = store.claim_step("w", LEASE).await.expect("claims").expect("one");
        store.finish_step(claimed.id, "w", &well()).await.expect("stored");
        let rename = async |statement: &str| {
            let db = store.connection();
            db.execute_unprepared(statement).await.expect("renamed");
        };
        rename("ALTER TABLE operation_steps RENAME TO steps_away").await;
        assert!(store.take_announcement(&id).await.is_err());
        rename("ALTER TABLE steps_away RENAME TO operation_steps").await;
        assert_eq!(
            store.unannounced_operations().await.expect("read"),
            vec![id.clone()]
        );
        let end = store
            .take_announcement(&id)
            .await
            .expect("read")
            .expect("not told yet")
            .end;
        assert_eq!(end.subjects, [(1, Some("team/app".to_owned()))]);
        assert!(store.take_announcement(&id).await.expect("read").is_none());
    }
}

#[tokio::test]
async fn the_end_brings_what_nobody_has_told_of_its_steps() {
    for test in stores().await {
        let store = &test.store;
        let id = store
            .create_operation(operation("a", vec![step(1, None), step(2, None), step(3, None)]))
            .await
            .expect("created")
            .id;
        let mut ended = Vec::new();
        while let Some(step) = claimed(store).await {
            store.finish_step(step, "w", &well()).await.expect("stored");
            ended.push(step);
        }
        // One of the programs is quick to tell its own, the others are late.
        let first = store.number_steps(&ended[..1]).await.expect("numbered");
        let ending = store.take_announcement(&id).await.expect("read").expect("ours");
        assert!(
            store.number_steps(&ended).await.expect("read").is_empty(),
            "all is told"
        );
        let told: Vec<i64> = first
            .iter()
            .chain(&ending.last)
            .map(|told| told.step.id)
            .collect();
        assert_eq!(told, ended);
        let numbers: Vec<u64> = first.iter().chain(&ending.last).map(|told| told.seq).collect();
        assert!(
            numbers.is_sorted() && numbers.last() < Some(&ending.end.seq),
            "{numbers:?}"
        );
    }
}
