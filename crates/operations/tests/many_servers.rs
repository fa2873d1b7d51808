//! Many servers watched by one program: a few looks at once, and nobody waits for those that hang.

use std::time::Duration;

use imagefleet_engine::fake::{Crowd, FakeEngine, FakeOptions, Fault, FaultyCall};
use imagefleet_model::{Access, ServerId};
use imagefleet_operations::reconcilers::{WatchOptions, Watches};
use imagefleet_operations::testing::TestOperations;
use imagefleet_store::testing::{self, TestStore};

/// Looks at once.
const PARALLEL: usize = 3;

fn options() -> WatchOptions {
    WatchOptions {
        parallel: PARALLEL,
        silence: Duration::from_millis(100),
        ..WatchOptions::new("test".to_owned())
    }
}

async fn add(run: &TestOperations, at: &TestStore, name: &str, engine: FakeEngine) -> ServerId {
    run.fleet.add(&at.store, name, engine).await.expect("added")
}

/// Waits until a server was looked at.
async fn looked_at(at: &TestStore, server: ServerId) {
    let looked = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let read = at.store.server(server, &Access::full()).await.expect("read");
            if read.expect("there").last_sync_at.is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    looked.await.expect("it was never looked at");
}

/// Waits until an engine was asked for its images.
async fn asked(crowd: &Crowd, times: usize) {
    let asked = tokio::time::timeout(Duration::from_secs(20), async {
        while crowd.most() < times {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    asked.await.expect("it was never asked");
}

#[tokio::test]
async fn the_first_looks_are_a_few_at_once() {
    let at = testing::sqlite().await;
    let run = TestOperations::start(&at.store).await.expect("starts");
    let crowd = Crowd::default();
    let mut servers = Vec::new();
    for number in 0..24 {
        let engine = FakeEngine::new(FakeOptions {
            seed: number,
            images: 3,
            crowd: crowd.clone(),
            ..FakeOptions::default()
        });
        // Long enough that those who may ask at once do.
        let slowly = Fault::Drip {
            bytes: 1,
            pause: Duration::from_millis(30),
        };
        engine.inject(FaultyCall::Images, slowly, Some(1));
        servers.push(add(&run, &at, &format!("s{number}"), engine).await);
    }
    let watches = Watches::start(run.operations.deps().clone(), options());
    for server in servers {
        looked_at(&at, server).await;
    }
    assert_eq!(crowd.most(), PARALLEL);
    watches.shutdown().await;
}

#[tokio::test]
async fn more_servers_than_places_hang_and_nobody_waits_for_them() {
    let at = testing::sqlite().await;
    let run = TestOperations::start(&at.store).await.expect("starts");
    let crowd = Crowd::default();
    for number in 0..=PARALLEL {
        let engine = FakeEngine::new(FakeOptions {
            crowd: crowd.clone(),
            ..FakeOptions::default()
        });
        engine.inject(FaultyCall::Images, Fault::Hang, None);
        add(&run, &at, &format!("hangs{number}"), engine).await;
    }
    let watches = Watches::start(run.operations.deps().clone(), options());
    asked(&crowd, PARALLEL).await;
    let well = add(&run, &at, "well", FakeEngine::seeded(1, 2)).await;
    watches.ring();
    looked_at(&at, well).await;
    watches.shutdown().await;
}
