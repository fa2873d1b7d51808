//! The inventory follows the engines: what a burst costs, what a gap and a failed look leave behind.

use std::time::Duration;

use imagefleet_engine::fake::{FakeEngine, Fault, FaultyCall};
use imagefleet_model::{Access, Server, ServerId, ServerStatus};
use imagefleet_operations::reconcilers::{WatchOptions, Watches};
use imagefleet_operations::testing::TestOperations;
use imagefleet_operations::{Change, Event};
use imagefleet_store::Store;
use imagefleet_store::testing::sqlite;

/// Waits short enough for a test; the net under the events is out of reach.
fn options() -> WatchOptions {
    WatchOptions {
        gather: Duration::from_millis(500),
        longest_gather: Duration::from_mins(1),
        backoff: Duration::from_millis(20),
        longest_backoff: Duration::from_millis(50),
        ask: Duration::from_mins(10),
        look: Duration::from_hours(10),
        ..WatchOptions::new("test".to_owned())
    }
}

async fn until(store: &Store, server: ServerId, wanted: impl Fn(&Server) -> bool) -> Server {
    let found = tokio::time::timeout(Duration::from_mins(1), async {
        loop {
            let now = store
                .existing_server(server, &Access::full())
                .await
                .expect("there");
            if wanted(&now) {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    found.await.expect("the inventory comes in step")
}

#[tokio::test]
async fn a_burst_of_events_costs_one_look() {
    let at = sqlite().await;
    let run = TestOperations::start(&at.store).await.expect("starts");
    let engine = FakeEngine::seeded(1, 3);
    let server = run
        .fleet
        .add(&at.store, "a", engine.clone())
        .await
        .expect("added");
    let watches = Watches::start(run.operations.deps().clone(), options());
    until(&at.store, server, |now| now.image_count == 3).await;
    assert_eq!(engine.calls(FaultyCall::Containers), 1);
    for number in 0..200 {
        engine.hold(&format!("burst/app:{number}")).expect("held");
    }
    until(&at.store, server, |now| now.image_count == 203).await;
    assert_eq!(
        engine.calls(FaultyCall::Containers),
        2,
        "200 images came, and one look was taken"
    );
    assert_eq!(engine.calls(FaultyCall::Events), 1);
    watches.shutdown().await;
    run.operations.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn what_happened_while_nobody_listened_is_found() {
    let at = sqlite().await;
    let run = TestOperations::start(&at.store).await.expect("starts");
    let engine = FakeEngine::seeded(1, 3);
    let server = run
        .fleet
        .add(&at.store, "a", engine.clone())
        .await
        .expect("added");
    let options = WatchOptions {
        ask: Duration::from_millis(20),
        ..options()
    };
    let watches = Watches::start(run.operations.deps().clone(), options);
    until(&at.store, server, |now| now.image_count == 3).await;
    engine.inject(FaultyCall::Any, Fault::Offline, None);
    let gone = until(&at.store, server, |now| now.status == ServerStatus::Offline).await;
    assert_eq!(
        (gone.status_code.as_deref(), gone.image_count),
        (Some("engine_unreachable"), 3)
    );
    engine.hold("meanwhile/app:1").expect("held");
    engine.heal();
    let back = until(&at.store, server, |now| now.image_count == 4).await;
    assert_eq!(back.status, ServerStatus::Online);
    watches.shutdown().await;
    run.operations.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_look_that_fails_is_tried_again_and_the_server_stays_online() {
    let at = sqlite().await;
    let mut run = TestOperations::start(&at.store).await.expect("starts");
    let engine = FakeEngine::seeded(1, 3);
    let server = run
        .fleet
        .add(&at.store, "a", engine.clone())
        .await
        .expect("added");
    let watches = Watches::start(run.operations.deps().clone(), options());
    until(&at.store, server, |now| now.image_count == 3).await;
    let broken = Fault::Status {
        status: 500,
        retry_after: None,
        message: "database is locked".to_owned(),
    };
    engine.inject(FaultyCall::Containers, broken, Some(2));
    while run.events.try_recv().is_ok() {}
    engine.hold("late/app:1").expect("held");
    until(&at.store, server, |now| now.image_count == 4).await;
    assert_eq!(
        engine.calls(FaultyCall::Containers),
        4,
        "two failed, the third was good"
    );
    while let Ok(event) = run.events.try_recv() {
        assert!(
            !matches!(event, Event::Changed(Change::Server(_))),
            "it went offline"
        );
    }
    watches.shutdown().await;
    run.operations.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn servers_that_hang_do_not_keep_the_others_from_being_looked_at() {
    let at = sqlite().await;
    let run = TestOperations::start(&at.store).await.expect("starts");
    let hanging = FakeEngine::seeded(1, 3);
    hanging.inject(FaultyCall::Images, Fault::Hang, None);
    for name in ["a", "b", "c"] {
        run.fleet
            .add(&at.store, name, hanging.clone())
            .await
            .expect("added");
    }
    let options = WatchOptions {
        parallel: 1,
        patience: Duration::from_millis(300),
        ..options()
    };
    let watches = Watches::start(run.operations.deps().clone(), options);
    let good = run
        .fleet
        .add(&at.store, "d", FakeEngine::seeded(2, 5))
        .await
        .expect("added");
    watches.ring();
    until(&at.store, good, |now| now.image_count == 5).await;
    watches.shutdown().await;
    run.operations.shutdown(Duration::ZERO).await;
}
