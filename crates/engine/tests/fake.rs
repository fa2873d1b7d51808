//! The fake itself: the same from the same seed, cheap by the thousand, patient under paused time.

use std::time::Duration;

use futures_util::TryStreamExt;
use imagefleet_engine::fake::{FakeEngine, FakeOptions, FakeRegistry, Fault, FaultyCall};
use imagefleet_engine::{Engine, PullRequest, TransferUpdate};
use imagefleet_model::{ErrorCode, Failure, ImageRef};

fn request(reference: &str) -> PullRequest {
    PullRequest {
        reference: reference.to_owned(),
        platform: None,
        auth: None,
    }
}

async fn pull(engine: &FakeEngine, reference: &str) -> Result<Vec<TransferUpdate>, Failure> {
    engine.pull(request(reference)).await?.try_collect().await
}

#[tokio::test]
async fn the_same_seed_gives_the_same_engine() {
    let (one, two, other) = (
        FakeEngine::seeded(5, 50),
        FakeEngine::seeded(5, 50),
        FakeEngine::seeded(6, 50),
    );
    let list = one.images().await.expect("list");
    assert_eq!(list.len(), 50);
    assert_eq!(list, two.images().await.expect("list"));
    assert_ne!(list, other.images().await.expect("list"));
    assert!(
        list.iter().any(|image| image.repo_tags.is_empty()),
        "some are untagged"
    );
}

#[tokio::test]
async fn engines_that_share_a_registry_are_cheap() {
    let registry = FakeRegistry::new(1);
    let mut count = 0;
    for seed in 0..200 {
        let engine = FakeEngine::new(FakeOptions {
            seed,
            images: 50,
            registry: registry.clone(),
            ..FakeOptions::default()
        });
        count += engine.image_count();
    }
    assert_eq!(count, 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_pull_takes_the_time_of_its_bytes() {
    let engine = FakeEngine::new(FakeOptions {
        bytes_per_second: Some(1_000_000),
        ..FakeOptions::default()
    });
    let before = tokio::time::Instant::now();
    let seen = pull(&engine, "demo/web:1").await.expect("pulls");
    let last = seen.last().expect("pictures");
    let wanted = last.bytes_done / 1_000_000;
    let took = before.elapsed().as_secs();
    assert!(
        took.abs_diff(wanted) <= 1,
        "{took} s for {} bytes",
        last.bytes_done
    );
    assert_eq!(last.bytes_total, Some(last.bytes_done));
    let moved: Vec<u64> = seen.iter().map(|update| update.bytes_done).collect();
    assert!(moved.is_sorted() && moved.iter().filter(|bytes| **bytes > 0).count() > 8);
}

#[tokio::test]
async fn new_content_under_an_old_name_drifts() {
    let registry = FakeRegistry::new(1);
    let options = FakeOptions {
        registry: registry.clone(),
        ..FakeOptions::default()
    };
    let (one, two) = (FakeEngine::new(options.clone()), FakeEngine::new(options));
    pull(&one, "demo/web:1").await.expect("pulls");
    registry.publish(&ImageRef::parse("demo/web:1").expect("a reference"));
    pull(&two, "demo/web:1").await.expect("pulls");
    let id = |engine: FakeEngine| async move { engine.image("demo/web:1").await.expect("there").id };
    assert_ne!(id(one.clone()).await, id(two.clone()).await);
    pull(&one, "demo/web:1").await.expect("pulls");
    assert_eq!(id(one.clone()).await, id(two).await);
    assert_eq!(one.image_count(), 2, "the old content lost its name and stays");
}

#[tokio::test(start_paused = true)]
async fn faults_strike_as_often_as_planned() {
    let engine = FakeEngine::seeded(1, 3);
    engine.inject(FaultyCall::Images, Fault::Hang, Some(2));
    for _ in 0..2 {
        assert_eq!(
            engine.images().await.expect_err("silent").code,
            ErrorCode::EngineTimeout
        );
    }
    assert_eq!(engine.images().await.expect("well again").len(), 3);

    engine.inject(FaultyCall::Any, Fault::Offline, None);
    assert_eq!(
        engine.info().await.expect_err("gone").code,
        ErrorCode::EngineUnreachable
    );
    assert_eq!(
        pull(&engine, "a:1").await.expect_err("gone").code,
        ErrorCode::EngineUnreachable
    );
    engine.heal();

    for (fault, code) in [
        (Fault::CutAfter(500), ErrorCode::EngineDisconnected),
        (Fault::HalfLine, ErrorCode::EngineDisconnected),
        (Fault::Garbage, ErrorCode::EngineError),
        (Fault::Hang, ErrorCode::EngineTimeout),
    ] {
        engine.inject(FaultyCall::Pull, fault.clone(), Some(1));
        assert_eq!(
            pull(&engine, "a:1").await.expect_err("faulty").code,
            code,
            "{fault:?}"
        );
        assert_eq!(
            engine.image("a:1").await.expect_err("not there").code,
            ErrorCode::ImageNotFound
        );
    }
    let drip = Fault::Drip {
        bytes: 10,
        pause: Duration::from_secs(1),
    };
    engine.inject(FaultyCall::Pull, drip, Some(1));
    pull(&engine, "a:1").await.expect("slowly");
    engine.image("a:1").await.expect("there");
}

#[tokio::test]
async fn what_is_missing_or_refused() {
    let engine = FakeEngine::seeded(1, 0);
    assert_eq!(
        pull(&engine, "missing/app:1").await.expect_err("missing").code,
        ErrorCode::ManifestUnknown
    );
    let limited = Failure::passing(ErrorCode::RateLimited, "toomanyrequests", Duration::from_secs(3));
    engine.registry().refuse("team/", limited.clone());
    assert_eq!(pull(&engine, "team/app:1").await, Err(limited));
    engine.registry().refuse_nothing();
    pull(&engine, "team/app:1").await.expect("pulls");
}
