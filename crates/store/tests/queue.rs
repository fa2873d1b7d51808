//! What holds steps back, what they say of it, and in which order they go, on every database at hand.

use std::time::Duration;

use imagefleet_model::{Endpoint, ErrorCode, Failure, OffPeak, OperationKind, Step, WaitingCode};
use imagefleet_store::testing::{TestStore, stores};
use imagefleet_store::{
    NewOperation, NewRegistry, NewServer, NewStep, QueueSettings, RegistryChange, ServerChange, StepOutcome,
    Store,
};
use serde_json::json;

const LEASE: i64 = 10_000;

async fn server(store: &Store, name: &str) -> i64 {
    let new = NewServer {
        name: name.to_owned(),
        endpoint: Endpoint::Unix(format!("/nowhere/{name}.sock")),
        description: String::new(),
        tags: Vec::new(),
        enabled: true,
        tls: None,
        ssh: None,
    };
    store.create_server(new).await.expect("added").id
}

fn step(server: i64, repository: &str) -> NewStep {
    NewStep {
        server_id: server,
        server_name: format!("server {server}"),
        image_id: None,
        repository: Some(repository.to_owned()),
        tag: Some("1".to_owned()),
        payload: json!({}),
        exclusive: true,
        bulk: false,
        share_key: None,
    }
}

async fn submit(store: &Store, kind: OperationKind, steps: Vec<NewStep>, off_peak: Option<bool>) -> String {
    let new = NewOperation {
        kind,
        title: "Pull team/app:1".to_owned(),
        user_id: None,
        created_by: "ann".to_owned(),
        request: json!({}),
        steps,
    };
    store
        .create_operation_at(new, off_peak)
        .await
        .expect("created")
        .id
}

async fn claim(store: &Store) -> Option<i64> {
    store
        .claim_step("w", LEASE)
        .await
        .expect("claims")
        .map(|step| step.id)
}

async fn first_step(store: &Store, operation: &str) -> Step {
    store.existing_operation(operation).await.expect("readable").steps[0].clone()
}

/// What the first step waits for, and the sentence.
async fn waiting(store: &Store, operation: &str) -> (WaitingCode, String) {
    let step = first_step(store, operation).await;
    let waiting = step.waiting_for.expect("it waits");
    assert_eq!(
        step.message, waiting.message,
        "the sentence is the step's message too"
    );
    (waiting.code, waiting.message)
}

async fn finish(store: &Store, step: i64) {
    let well = StepOutcome::Succeeded("done".to_owned(), json!({}));
    store.finish_step(step, "w", &well).await.expect("finishes");
}

async fn pause(store: &Store, server: i64, paused: bool) {
    let change = ServerChange {
        paused: Some(paused),
        ..ServerChange::default()
    };
    store.update_server(server, change).await.expect("changed");
}

#[tokio::test]
async fn a_paused_server_holds_its_queue_and_lets_what_runs_end() {
    for TestStore { store, .. } in &stores().await {
        let (a, b) = (server(store, "a").await, server(store, "b").await);
        let on_a = submit(
            store,
            OperationKind::PullImage,
            vec![step(a, "x"), step(a, "y")],
            None,
        )
        .await;
        let running = claim(store).await.expect("a step");
        pause(store, a, true).await;
        let on_b = submit(store, OperationKind::PullImage, vec![step(b, "x")], None).await;
        finish(store, running).await;
        let elsewhere = claim(store).await.expect("another server goes on");
        assert_eq!(first_step(store, &on_b).await.id, elsewhere);
        assert_eq!(claim(store).await, None);
        let held = store
            .existing_operation(&on_a)
            .await
            .expect("readable")
            .steps
            .remove(1);
        assert_eq!(held.waiting_for.expect("waits").code, WaitingCode::ServerPaused);
        pause(store, a, false).await;
        assert_eq!(claim(store).await, Some(held.id));
        assert_eq!(
            first_step(store, &on_b).await.waiting_for,
            None,
            "who runs waits for nothing"
        );
    }
}

#[tokio::test]
async fn limits_of_a_server_and_never_two_on_one_image() {
    for TestStore { store, .. } in stores().await {
        let store = &store.with_queue(QueueSettings {
            server_limit: 2,
            ..QueueSettings::default()
        });
        let (a, b) = (server(store, "a").await, server(store, "b").await);
        let change = ServerChange {
            step_limit: Some(Some(1)),
            ..ServerChange::default()
        };
        let changed = store.update_server(b, change).await.expect("changed");
        assert_eq!(changed.step_limit, Some(1));
        for name in ["x", "y", "z"] {
            submit(
                store,
                OperationKind::TagImage,
                vec![step(a, name), step(b, name)],
                None,
            )
            .await;
        }
        let mut taken = Vec::new();
        while let Some(step) = store.claim_step("w", LEASE).await.expect("claims") {
            taken.push(step.server_id);
        }
        taken.sort_unstable();
        assert_eq!(taken, [a, a, b]);

        let c = server(store, "c").await;
        let on_image = |image: i64| NewStep {
            image_id: Some(image),
            ..step(c, "same")
        };
        let first = submit(
            store,
            OperationKind::TagImage,
            vec![on_image(7), on_image(7), on_image(8)],
            None,
        )
        .await;
        let both = [
            claim(store).await.expect("one"),
            claim(store).await.expect("the other image"),
        ];
        let steps = store.existing_operation(&first).await.expect("readable").steps;
        assert_eq!(both, [steps[0].id, steps[2].id]);
        let waits = steps[1].waiting_for.clone().expect("waits");
        assert_eq!(waits.code, WaitingCode::ServerBusy);
        assert_eq!(waits.operation_id.as_deref(), Some(first.as_str()));
    }
}

#[tokio::test]
async fn a_registry_serves_so_many_steps_at_once() {
    for TestStore { store, .. } in stores().await {
        let store = &store.with_queue(QueueSettings {
            registry_limit: 2,
            ..QueueSettings::default()
        });
        let mut servers = Vec::new();
        for name in ["a", "b", "c", "d"] {
            servers.push(server(store, name).await);
        }
        let everywhere =
            |repository: &str| servers.iter().map(|id| step(*id, repository)).collect::<Vec<_>>();
        let hub = submit(store, OperationKind::PullImage, everywhere("nginx"), None).await;
        let (one, _two) = (claim(store).await.expect("one"), claim(store).await.expect("two"));
        assert_eq!(claim(store).await, None);
        let steps = store.existing_operation(&hub).await.expect("readable").steps;
        let reason = steps[2].waiting_for.clone().expect("waits");
        assert_eq!(reason.code, WaitingCode::RegistryBusy);
        assert!(reason.message.contains("docker.io"), "{}", reason.message);
        // Another registry, and what needs none, goes on; its own account may say less.
        submit(
            store,
            OperationKind::SyncImages,
            vec![step(servers[3], "nginx")],
            None,
        )
        .await;
        assert!(claim(store).await.is_some());
        let new = NewRegistry {
            name: "r".to_owned(),
            url: "https://r.test:5000".to_owned(),
            host: "r.test:5000".to_owned(),
            namespace: String::new(),
            username: None,
            password: None,
            ca: None,
            plain_http: false,
        };
        let registry = store.create_registry(new).await.expect("added");
        let change = RegistryChange {
            step_limit: Some(Some(1)),
            ..RegistryChange::default()
        };
        assert_eq!(
            store
                .update_registry(registry.id, change)
                .await
                .expect("changed")
                .step_limit,
            Some(1)
        );
        let (e, f) = (server(store, "e").await, server(store, "f").await);
        let own = vec![step(e, "r.test:5000/app"), step(f, "r.test:5000/app")];
        submit(store, OperationKind::PushImage, own, None).await;
        assert!(claim(store).await.is_some());
        assert_eq!(claim(store).await, None);
        finish(store, one).await;
        assert!(claim(store).await.is_some(), "a place at docker.io is free again");
    }
}

#[tokio::test]
async fn work_that_can_wait_waits_for_the_window_of_its_server() {
    for test in stores().await {
        // The clock stands at 22:13:20 UTC.
        let window = |text: &str, bulk| OffPeak {
            bulk,
            ..text.parse().expect("a window")
        };
        let store = &test.store.clone().with_queue(QueueSettings {
            off_peak: Some(window("23:00-05:00 UTC", true)),
            ..QueueSettings::default()
        });
        let (a, b) = (server(store, "a").await, server(store, "b").await);
        let change = ServerChange {
            off_peak: Some(Some(window("08:00-09:00 Asia/Shanghai", false))),
            ..ServerChange::default()
        };
        store.update_server(b, change).await.expect("changed");
        assert_eq!(
            store.servers_without_off_peak(&[a, b]).await.expect("read"),
            Vec::<i64>::new()
        );
        let bulk = |server: i64| NewStep {
            bulk: true,
            exclusive: false,
            ..step(server, "x")
        };
        let held_by_rule = submit(store, OperationKind::ExportImage, vec![bulk(a)], None).await;
        let at_once = submit(store, OperationKind::ExportImage, vec![bulk(a)], Some(false)).await;
        let own_rule = submit(store, OperationKind::ExportImage, vec![bulk(b)], None).await;
        let asked = submit(store, OperationKind::TagImage, vec![step(b, "x")], Some(true)).await;
        let small = submit(store, OperationKind::TagImage, vec![step(a, "x")], None).await;
        let mut taken = Vec::new();
        while let Some(step) = store.claim_step("w", LEASE).await.expect("claims") {
            taken.push(step.operation_id);
        }
        assert_eq!(taken, [small, at_once, own_rule]);
        let (code, sentence) = waiting(store, &held_by_rule).await;
        assert_eq!(code, WaitingCode::OffPeak);
        assert_eq!(
            sentence,
            "Waits for the off-peak window, which opens at 23:00 (UTC)"
        );
        let until = first_step(store, &held_by_rule)
            .await
            .waiting_for
            .and_then(|waiting| waiting.until);
        assert_eq!(until.expect("known").to_rfc3339(), "2023-11-14T23:00:00+00:00");
        assert!(waiting(store, &asked).await.1.contains("08:00 (Asia/Shanghai)"));
        test.pass(47 * 60);
        assert_eq!(
            claim(store).await,
            Some(first_step(store, &held_by_rule).await.id)
        );
        assert_eq!(claim(store).await, None);
        test.pass(3600);
        assert_eq!(claim(store).await, Some(first_step(store, &asked).await.id));
    }
}

#[tokio::test]
async fn a_retry_counts_down_and_what_is_shared_says_with_what() {
    for test in stores().await {
        let store = &test.store;
        let a = server(store, "a").await;
        let shared = || NewStep {
            share_key: Some("k".to_owned()),
            ..step(a, "x")
        };
        let first = submit(store, OperationKind::PullImage, vec![shared()], None).await;
        let second = submit(store, OperationKind::PullImage, vec![shared()], None).await;
        let run = claim(store).await.expect("a step");
        let limited = Failure::passing(ErrorCode::RateLimited, "toomanyrequests", Duration::from_secs(8));
        store
            .finish_step(run, "w", &StepOutcome::Again(limited.info(), 8_000))
            .await
            .expect("stored");
        assert_eq!(claim(store).await, None);
        assert_eq!(
            waiting(store, &first).await,
            (
                WaitingCode::Retry,
                "Tries again in 8 s: toomanyrequests".to_owned()
            )
        );
        test.pass(5);
        assert_eq!(
            waiting(store, &first).await.1,
            "Tries again in 3 s: toomanyrequests"
        );
        assert_eq!(
            waiting(store, &second).await,
            (
                WaitingCode::Shared,
                "Waits together with: Pull team/app:1".to_owned()
            )
        );
        test.pass(3);
        assert_eq!(claim(store).await, Some(run));
        let attempt = store.steps_of_worker("w").await.expect("read");
        assert_eq!(attempt, [run]);
    }
}

#[tokio::test]
async fn what_is_handed_over_goes_on_elsewhere_and_does_not_count_as_a_try() {
    for test in stores().await {
        let store = &test.store;
        let a = server(store, "a").await;
        let id = submit(store, OperationKind::PullImage, vec![step(a, "x")], None).await;
        let run = store
            .claim_step("w", LEASE)
            .await
            .expect("claims")
            .expect("a step");
        let settled = store
            .finish_step(run.id, "w", &StepOutcome::HandedOver)
            .await
            .expect("stored");
        assert!(settled.ended.is_empty(), "it has not ended");
        assert_eq!(waiting(store, &id).await.0, WaitingCode::Turn);
        let other = store
            .claim_step("v", LEASE)
            .await
            .expect("claims")
            .expect("the step");
        assert_eq!((other.id, other.attempt), (run.id, 1));
    }
}

#[tokio::test]
async fn a_reason_is_announced_once_and_by_one_program() {
    for test in stores().await {
        let store = &test.store;
        let a = server(store, "a").await;
        submit(store, OperationKind::PullImage, vec![step(a, "x")], None).await;
        let run = claim(store).await.expect("a step");
        let behind = submit(store, OperationKind::PullImage, vec![step(a, "y")], None).await;
        let told = store.newly_waiting("w").await.expect("read");
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].operation_id, behind);
        assert_eq!(
            told[0].step.waiting_for.as_ref().map(|waiting| waiting.code),
            Some(WaitingCode::ServerBusy)
        );
        assert!(
            store.newly_waiting("w").await.expect("read").is_empty(),
            "told already"
        );
        pause(store, a, true).await;
        let again = store.newly_waiting("w").await.expect("read");
        assert_eq!(again.len(), 1, "another reason is told");
        assert!(again[0].seq > told[0].seq);
        pause(store, a, false).await;
        finish(store, run).await;
        assert!(
            store.newly_waiting("w").await.expect("read").is_empty(),
            "its turn is not worth an event"
        );
    }
}

#[tokio::test]
async fn a_stream_of_small_steps_does_not_starve_a_large_one_and_figures_tell() {
    for test in stores().await {
        let store = &test.store;
        let a = server(store, "a").await;
        let large = NewStep {
            bulk: true,
            ..step(a, "large")
        };
        let large = submit(store, OperationKind::CopyImage, vec![large], None).await;
        for _ in 0..3 {
            submit(store, OperationKind::TagImage, vec![step(a, "small")], None).await;
        }
        let small = claim(store).await.expect("a small one");
        assert_ne!(small, first_step(store, &large).await.id);
        test.pass(11 * 60);
        let figures = store.queue_figures().await.expect("read");
        assert_eq!(figures.running, 1);
        let waiting = figures
            .waiting
            .iter()
            .find(|(code, ..)| *code == WaitingCode::ServerBusy);
        assert_eq!(
            waiting,
            Some(&(WaitingCode::ServerBusy, 3, Duration::from_mins(11)))
        );
        finish(store, small).await;
        assert_eq!(claim(store).await, Some(first_step(store, &large).await.id));
    }
}
