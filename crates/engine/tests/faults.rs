//! The real connector against an engine that misbehaves on the wire. Limits are short, and time is real.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use imagefleet_engine::docker::{Connection, Limits, connect};
use imagefleet_engine::fake::{FakeEngine, FakeOptions, Fault, FaultyCall};
use imagefleet_engine::{Engine, PullRequest};
use imagefleet_model::{ErrorCode, Failure};
use tokio::task::JoinHandle;

/// A fake behind a socket, and the connector to it.
struct Bench {
    fake: FakeEngine,
    engine: Arc<dyn Engine>,
    _serving: JoinHandle<()>,
}

async fn bench() -> Bench {
    behind_a_socket(FakeEngine::seeded(3, 5)).await
}

async fn behind_a_socket(fake: FakeEngine) -> Bench {
    let (address, serving) = fake.serve().await.expect("a port");
    let mut connection = Connection::new(format!("tcp://{address}").parse().expect("an endpoint"));
    let limit = Duration::from_millis(400);
    connection.limits = Limits {
        connect: limit,
        answer: limit,
        change: limit,
        first_message: limit,
        idle: limit,
        still: limit,
        preparing: limit,
    };
    Bench {
        fake,
        engine: connect(&connection),
        _serving: tokio::spawn(serving),
    }
}

async fn pull(engine: &Arc<dyn Engine>) -> Result<(), Failure> {
    let request = PullRequest {
        reference: "demo/fresh:1".to_owned(),
        platform: None,
        auth: None,
    };
    engine
        .pull(request)
        .await?
        .try_for_each(|_| async { Ok(()) })
        .await
}

async fn save(engine: &Arc<dyn Engine>) -> Result<usize, Failure> {
    let names = ["demo/fresh:1".to_owned()];
    engine
        .save(&names)
        .await?
        .try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) })
        .await
}

#[tokio::test]
async fn without_a_fault_everything_works() {
    let bench = bench().await;
    let info = bench.engine.info().await.expect("info");
    assert_eq!(info.api_version, "1.43");
    assert_eq!(bench.engine.images().await.expect("list").len(), 5);
    pull(&bench.engine).await.expect("pulls");
    assert_eq!(bench.engine.images().await.expect("list").len(), 6);
    let names = ["demo/fresh:1".to_owned()];
    let archive: Vec<bytes::Bytes> = bench
        .engine
        .save(&names)
        .await
        .expect("save")
        .try_collect()
        .await
        .expect("saves");
    bench
        .engine
        .remove_image(&names[0], false)
        .await
        .expect("removes");
    let body = futures_util::stream::iter(archive.into_iter().map(Ok)).boxed();
    let loaded: Vec<_> = bench
        .engine
        .load(body)
        .await
        .expect("load")
        .try_collect()
        .await
        .expect("loads");
    assert_eq!(loaded.last().expect("it says so").loaded, names);
}

#[tokio::test]
async fn what_is_read_through_the_socket_is_what_the_fake_says_itself() {
    let bench = behind_a_socket(FakeEngine::new(FakeOptions {
        seed: 3,
        images: 5,
        containers: 2,
        ..FakeOptions::default()
    }))
    .await;
    bench.engine.info().await.expect("info");
    let mut containers = bench.fake.containers().await.expect("list");
    for container in &mut containers {
        // An engine tells whole seconds.
        container.created_at = container
            .created_at
            .and_then(|at| imagefleet_model::Timestamp::from_timestamp(at.timestamp(), 0));
    }
    assert_eq!(containers.len(), 2);
    assert_eq!(bench.engine.containers().await.expect("list"), containers);
    for image in bench.fake.images().await.expect("list") {
        let (told, own) = (bench.engine.image(&image.id), bench.fake.image(&image.id));
        assert_eq!(told.await.expect("inspected"), own.await.expect("inspected"));
    }
    let mut events = bench.engine.events(None).await.expect("events");
    bench.fake.hold("demo/fresh:1").expect("held");
    let event = events.next().await.expect("an event").expect("read");
    assert_eq!((event.kind.as_str(), event.action.as_str()), ("image", "pull"));
}

#[tokio::test]
async fn faults_of_an_answer() {
    let status = |status, retry_after| Fault::Status {
        status,
        retry_after,
        message: "not now".to_owned(),
    };
    for (fault, code, passing) in [
        (Fault::Hang, ErrorCode::EngineTimeout, true),
        (Fault::Offline, ErrorCode::EngineDisconnected, true),
        (Fault::CutAfter(20), ErrorCode::EngineDisconnected, true),
        (Fault::Garbage, ErrorCode::EngineError, false),
        (Fault::HalfLine, ErrorCode::EngineError, false),
        (status(500, None), ErrorCode::EngineError, true),
        (
            status(429, Some(Duration::from_secs(9))),
            ErrorCode::EngineError,
            true,
        ),
        (
            Fault::Drip {
                bytes: 1,
                pause: Duration::from_millis(50),
            },
            ErrorCode::EngineTimeout,
            true,
        ),
    ] {
        let bench = bench().await;
        bench.engine.info().await.expect("well at first");
        bench.fake.inject(FaultyCall::Images, fault.clone(), None);
        let failure = bench.engine.images().await.expect_err("faulty");
        assert_eq!(
            (failure.code, failure.retry_after.is_some()),
            (code, passing),
            "{fault:?}: {failure}"
        );
        bench.fake.heal();
        assert_eq!(
            bench.engine.images().await.expect("well again").len(),
            5,
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn retry_after_is_kept() {
    let bench = bench().await;
    let fault = Fault::Status {
        status: 429,
        retry_after: Some(Duration::from_secs(9)),
        message: "toomanyrequests: slow down".to_owned(),
    };
    bench.fake.inject(FaultyCall::Pull, fault, Some(1));
    let failure = pull(&bench.engine).await.expect_err("limited");
    assert_eq!(failure.code, ErrorCode::RateLimited);
    assert_eq!(failure.retry_after, Some(Duration::from_secs(9)));
    pull(&bench.engine).await.expect("once only");
}

#[tokio::test]
async fn faults_in_the_middle_of_a_pull() {
    for (fault, code) in [
        (Fault::Hang, ErrorCode::EngineTimeout),
        (Fault::CutAfter(300), ErrorCode::EngineDisconnected),
        (Fault::HalfLine, ErrorCode::EngineDisconnected),
        (Fault::Garbage, ErrorCode::EngineError),
        (Fault::Offline, ErrorCode::EngineDisconnected),
    ] {
        let bench = bench().await;
        bench.fake.inject(FaultyCall::Pull, fault.clone(), Some(1));
        let failure = pull(&bench.engine).await.expect_err("faulty");
        assert_eq!(failure.code, code, "{fault:?}: {failure}");
        pull(&bench.engine).await.expect("well again");
    }
    // Slow is no fault: there is no limit for the whole.
    let bench = bench().await;
    let drip = Fault::Drip {
        bytes: 64,
        pause: Duration::from_millis(5),
    };
    bench.fake.inject(FaultyCall::Pull, drip, None);
    pull(&bench.engine).await.expect("slowly");
}

#[tokio::test]
async fn faults_of_archives() {
    for (fault, code) in [
        (Fault::Hang, ErrorCode::EngineTimeout),
        (Fault::CutAfter(3_000), ErrorCode::EngineDisconnected),
    ] {
        let bench = bench().await;
        pull(&bench.engine).await.expect("pulls");
        bench.fake.inject(FaultyCall::Save, fault.clone(), Some(1));
        let failure = save(&bench.engine).await.expect_err("faulty");
        assert_eq!(failure.code, code, "{fault:?}: {failure}");
        assert!(save(&bench.engine).await.expect("well again") > 3_000);
    }
}

#[tokio::test]
async fn a_load_whose_source_breaks_says_so() {
    let bench = bench().await;
    let own = Failure::new(ErrorCode::Cancelled, "somebody cancelled it");
    for (error, code) in [
        (std::io::Error::other(own), ErrorCode::Cancelled),
        (
            std::io::ErrorKind::UnexpectedEof.into(),
            ErrorCode::ArchiveTruncated,
        ),
    ] {
        let chunks = [Ok(bytes::Bytes::from(vec![0; 512])), Err(error)];
        let body = futures_util::stream::iter(chunks).boxed();
        let failure = match bench.engine.load(body).await {
            Err(failure) => failure,
            Ok(stream) => stream
                .try_for_each(|_| async { Ok(()) })
                .await
                .expect_err("it broke"),
        };
        assert_eq!(failure.code, code, "{failure}");
    }
}

#[tokio::test]
async fn an_engine_that_takes_nothing_more_is_left_and_a_slow_source_is_not() {
    let bench = bench().await;
    bench.fake.inject(FaultyCall::Load, Fault::Hang, Some(1));
    let endless = futures_util::stream::repeat_with(|| Ok(bytes::Bytes::from(vec![0; 65_536]))).boxed();
    let failure = bench.engine.load(endless).await.err().expect("it takes nothing");
    assert_eq!(failure.code, ErrorCode::EngineTimeout, "{failure}");

    pull(&bench.engine).await.expect("pulls");
    let names = ["demo/fresh:1".to_owned()];
    let archive: Vec<bytes::Bytes> = bench
        .engine
        .save(&names)
        .await
        .expect("save")
        .try_collect()
        .await
        .expect("saves");
    let slow = futures_util::stream::iter(archive)
        .then(|chunk| async move {
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            Ok(chunk)
        })
        .boxed();
    let loading = bench.engine.load(slow).await.expect("a slow source is no fault");
    loading.try_for_each(|_| async { Ok(()) }).await.expect("loads");
}

#[tokio::test]
async fn an_engine_that_changed_its_version_is_asked_anew() {
    let bench = bench().await;
    bench.engine.info().await.expect("info");
    let changed = Fault::Status {
        status: 400,
        retry_after: None,
        message: "client version 1.43 is too new. Maximum supported API version is 1.42".to_owned(),
    };
    bench.fake.inject(FaultyCall::Images, changed.clone(), Some(1));
    assert_eq!(bench.engine.images().await.expect("negotiated again").len(), 5);
    bench.fake.inject(FaultyCall::Images, changed, None);
    let failure = bench.engine.images().await.expect_err("it never ends");
    assert_eq!(failure.code, ErrorCode::ApiVersionUnsupported, "{failure}");
}

#[tokio::test]
async fn dropping_a_stream_closes_its_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let gone = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let version = r#"{"Version":"x","ApiVersion":"1.41","MinAPIVersion":"1.12"}"#;
        let (mut first, _) = listener.accept().await.expect("negotiation");
        let mut buffer = vec![0; 4_096];
        assert!(first.read(&mut buffer).await.expect("a request") > 0);
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{version}",
            version.len()
        );
        first.write_all(answer.as_bytes()).await.expect("answered");
        let (mut pull, _) = listener.accept().await.expect("the pull");
        assert!(pull.read(&mut buffer).await.expect("a request") > 0);
        let line = r#"{"status":"Pulling from a","id":"1"}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{line}\r\n",
            line.len()
        );
        pull.write_all(answer.as_bytes()).await.expect("begun");
        // The end of the other side's stream: nothing else is ever sent.
        pull.read(&mut buffer).await.expect("closed properly")
    });
    let engine = connect(&Connection::new(
        format!("tcp://{address}").parse().expect("an endpoint"),
    ));
    let request = PullRequest {
        reference: "a:1".to_owned(),
        platform: None,
        auth: None,
    };
    let mut pulling = engine.pull(request).await.expect("begins");
    assert_eq!(
        pulling.next().await.expect("one").expect("good").message,
        "Pulling from a"
    );
    drop(pulling);
    let read = tokio::time::timeout(Duration::from_secs(5), gone)
        .await
        .expect("closed at once")
        .expect("no panic");
    assert_eq!(read, 0);
}
