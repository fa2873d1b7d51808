use std::time::Duration;

use futures_util::StreamExt;
use imagefleet_engine::{LogOptions, LogStream, PullRequest, Removed};
use imagefleet_model::{ContainerSpec, ErrorCode, ImageStore};
use serde_json::json;

use crate::subject::{Subject, to_the_end, within};

async fn sample(subject: &Subject, name: &str) -> String {
    let reference = format!("{}/tools/{name}:latest", subject.registry);
    let request = PullRequest {
        reference: reference.clone(),
        platform: None,
        auth: None,
    };
    to_the_end(within(subject.engine.pull(request)).await.expect("pull"))
        .await
        .expect("pulls the sample");
    reference
}

fn spec(value: serde_json::Value) -> ContainerSpec {
    serde_json::from_value(value).expect("a form")
}

pub async fn live_and_end(subject: &Subject) {
    let engine = &subject.engine;
    let image = sample(subject, "ticker").await;
    let name = format!("contract-{}", subject.nonce);
    let form = spec(json!({
        "name": name, "hostname": "inside", "env": {"A": "1=2", "EMPTY": ""}, "labels": {"contract": "yes"}, "networkMode": "host",
        "volumes": [{"source": "/tmp", "target": "/mnt/here", "readOnly": true}],
        "restartPolicy": {"name": "on-failure", "maximumRetryCount": 2}, "memoryBytes": 67_108_864,
    }));
    let mut form = form;
    if subject.real {
        // The host's name is the server's own in its network.
        form.hostname = None;
    }
    let created = within(engine.create_container(&image, None, &form))
        .await
        .expect("create");
    let detail = within(engine.container(&created.id)).await.expect("inspect");
    assert_eq!(detail.summary.name, name);
    assert_eq!(detail.summary.state, "created");
    assert!(
        detail.env.contains(&"A=1=2".to_owned()) && detail.env.contains(&"EMPTY=".to_owned()),
        "{:?}",
        detail.env
    );
    assert_eq!(detail.labels.get("contract").map(String::as_str), Some("yes"));
    assert_eq!(
        (detail.restart_policy.as_str(), detail.network_mode.as_str()),
        ("on-failure", "host")
    );
    let mount = &detail.mounts[0];
    assert_eq!(
        (
            mount.kind.as_str(),
            mount.source.as_str(),
            mount.target.as_str(),
            mount.read_only
        ),
        ("bind", "/tmp", "/mnt/here", true)
    );
    assert_eq!(detail.memory_bytes, 67_108_864);

    within(engine.start_container(&created.id)).await.expect("start");
    within(engine.start_container(&name))
        .await
        .expect("a second start is no failure");
    let listed = within(engine.containers()).await.expect("list");
    let listed = listed
        .iter()
        .find(|one| one.id == created.id)
        .expect("it is listed");
    assert_eq!(
        (listed.state.as_str(), listed.name.as_str()),
        ("running", name.as_str())
    );
    assert!(listed.created_at.is_some() && !listed.image_id.is_empty());

    is_watched(subject, &created.id).await;
    is_used_and_ends(subject, &created.id, &image, &detail.summary.image_id).await;
}

/// Its log and its figures.
async fn is_watched(subject: &Subject, id: &str) {
    let engine = &subject.engine;
    let options = LogOptions {
        follow: true,
        ..LogOptions::default()
    };
    let mut logs = within(engine.logs(id, options)).await.expect("logs");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while out.is_empty() || err.is_empty() {
        let chunk = within(logs.next())
            .await
            .expect("more to come")
            .expect("no failure");
        match chunk.stream {
            LogStream::Stdout => out.extend_from_slice(&chunk.bytes),
            LogStream::Stderr => err.extend_from_slice(&chunk.bytes),
        }
    }
    drop(logs);
    let tail = LogOptions {
        tail: Some(1),
        ..LogOptions::default()
    };
    let mut logs = within(engine.logs(id, tail)).await.expect("logs");
    let mut lines = 0;
    while let Some(chunk) = within(logs.next()).await {
        lines += String::from_utf8_lossy(&chunk.expect("no failure").bytes)
            .matches('\n')
            .count();
    }
    // Podman counts the last line of each stream.
    assert!((1..=2).contains(&lines), "{lines} lines");

    let mut stats = within(engine.stats(id)).await.expect("stats");
    let first = within(stats.next()).await.expect("one").expect("no failure");
    let second = within(stats.next()).await.expect("one more").expect("no failure");
    assert!(first.pids > 0 || second.pids > 0, "{second:?}");
    assert!(second.cpu_percent >= 0.0 && second.cpu_percent < 6_400.0);
    drop(stats);
}

/// It holds its image while it lives, and it ends in every way.
async fn is_used_and_ends(subject: &Subject, id: &str, image: &str, image_id: &str) {
    let engine = &subject.engine;
    let busy = within(engine.remove_container(id, false, false))
        .await
        .expect_err("it runs");
    assert!(
        matches!(busy.code, ErrorCode::Conflict | ErrorCode::EngineError),
        "{busy}"
    );
    match within(engine.remove_image(image, false)).await {
        Err(used) => assert_eq!(used.code, ErrorCode::ImageInUse, "{used}"),
        // It had another name: then only this one is gone.
        Ok(removed) => {
            assert!(
                removed.iter().all(|line| matches!(line, Removed::Untagged(_))),
                "{removed:?}"
            );
            within(engine.tag(image_id, image)).await.expect("tag");
        }
    }
    within(engine.restart_container(id)).await.expect("restart");
    within(engine.stop_container(id)).await.expect("stop");
    within(engine.stop_container(id))
        .await
        .expect("a second stop is no failure");
    let ended = within(engine.container(id)).await.expect("inspect");
    assert_eq!(ended.summary.state, "exited");
    assert!(ended.exit_code.is_some() && ended.finished_at.is_some());
    within(engine.start_container(id)).await.expect("start");
    within(engine.kill_container(id)).await.expect("kill");
    tokio::time::timeout(Duration::from_secs(20), async {
        while within(engine.container(id)).await.expect("inspect").summary.state == "running" {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it ends");
    within(engine.remove_container(id, true, true))
        .await
        .expect("remove");
    let gone = within(engine.container(id)).await.expect_err("it is gone");
    assert_eq!(gone.code, ErrorCode::ContainerNotFound);
}

pub async fn fail_for_reasons(subject: &Subject) {
    let engine = &subject.engine;
    let image = sample(subject, "ticker").await;
    let name = format!("contract-first-{}", subject.nonce);
    let host = json!({"name": name, "networkMode": "host"});
    let first = within(engine.create_container(&image, None, &spec(host.clone())))
        .await
        .expect("create");
    let taken = within(engine.create_container(&image, None, &spec(host)))
        .await
        .expect_err("the name is taken");
    assert_eq!(taken.code, ErrorCode::ContainerNameTaken, "{taken}");
    within(engine.remove_container(&first.id, true, true))
        .await
        .expect("remove");

    let fails = |number: usize, form: serde_json::Value, code: ErrorCode| {
        let image = image.clone();
        async move {
            let mut form = spec(form);
            form.name = format!("contract-{number}-{}", subject.nonce);
            let outcome = match within(engine.create_container(&image, None, &form)).await {
                Err(failure) => Err(failure),
                Ok(created) => {
                    let outcome = within(engine.start_container(&created.id)).await;
                    within(engine.remove_container(&created.id, true, true))
                        .await
                        .expect("remove");
                    outcome
                }
            };
            let failure = outcome.expect_err(&format!("case {number} cannot start"));
            assert_eq!(failure.code, code, "{failure}");
            assert!(!failure.message.is_empty());
        }
    };
    // Podman's compatible API makes the missing folder, whatever form the mount is asked in.
    if subject.store != ImageStore::Podman {
        let source = format!("/missing-{}/x", subject.nonce);
        let missing = json!({"networkMode": "host", "volumes": [{"source": source, "target": "/x"}]});
        fails(1, missing, ErrorCode::MountMissing).await;
    }
    fails(
        2,
        json!({"networkMode": "host", "command": ["missing-command"]}),
        ErrorCode::CommandNotFound,
    )
    .await;
    fails(
        3,
        json!({"networkMode": "missing-network"}),
        ErrorCode::NetworkNotFound,
    )
    .await;

    let unknown = format!("{}/tools/unknown-{}:1", subject.registry, subject.nonce);
    let failure = within(engine.create_container(&unknown, None, &spec(json!({}))))
        .await
        .expect_err("no image");
    assert_eq!(failure.code, ErrorCode::ImageNotFound, "{failure}");
    for (what, outcome) in [
        (
            "start",
            within(engine.start_container("nobody-of-that-name")).await,
        ),
        ("stop", within(engine.stop_container("nobody-of-that-name")).await),
        (
            "remove",
            within(engine.remove_container("nobody-of-that-name", true, false)).await,
        ),
    ] {
        let failure = outcome.expect_err("no container");
        assert_eq!(failure.code, ErrorCode::ContainerNotFound, "{what}: {failure}");
    }
    if subject.has_bridge() {
        publishing(subject, &image).await;
    }
}

async fn publishing(subject: &Subject, image: &str) {
    let engine = &subject.engine;
    let left_open =
        spec(json!({"name": format!("contract-open-{}", subject.nonce), "ports": [{"container": 80}]}));
    let created = within(engine.create_container(image, None, &left_open))
        .await
        .expect("create");
    within(engine.start_container(&created.id)).await.expect("start");
    let detail = within(engine.container(&created.id)).await.expect("inspect");
    let port = detail
        .summary
        .ports
        .iter()
        .find_map(|port| port.host)
        .expect("the engine chose a port");
    let same = spec(
        json!({"name": format!("contract-same-{}", subject.nonce), "ports": [{"container": 80, "host": port}]}),
    );
    let second = within(engine.create_container(image, None, &same))
        .await
        .expect("create");
    let failure = within(engine.start_container(&second.id))
        .await
        .expect_err("the port is taken");
    assert_eq!(failure.code, ErrorCode::PortInUse, "{failure}");
    for id in [created.id, second.id] {
        within(engine.remove_container(&id, true, true))
            .await
            .expect("remove");
    }
}
