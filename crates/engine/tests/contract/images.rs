use std::collections::HashMap;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use imagefleet_engine::{EngineEvent, PullRequest, Removed};
use imagefleet_model::{ErrorCode, ImageStore};
use serde_json::Value;
use tokio::io::AsyncReadExt;

use crate::archive::{Archive, body};
use crate::subject::{Subject, same_reference, to_the_end, within};

pub async fn loads_lists_tags_saves_and_removes(subject: &Subject) {
    let engine = &subject.engine;
    let (one, two) = (
        format!("{}:1", subject.own("load")),
        format!("{}:2", subject.own("load")),
    );
    let archive = Archive::new(&one, &[&one, &two], 1_500_000).await;
    let loading = within(engine.load(archive.body())).await.expect("load begins");
    let seen = to_the_end(loading).await.expect("loads");
    let loaded = &seen.last().expect("it says what it loaded").loaded;
    for reference in [&one, &two] {
        assert!(
            loaded.iter().any(|name| same_reference(name, reference)),
            "{loaded:?}"
        );
    }

    let images = within(engine.images()).await.expect("list");
    let image = images
        .iter()
        .find(|image| image.repo_tags.iter().any(|tag| same_reference(tag, &one)))
        .expect("it is listed");
    assert!(
        image.repo_tags.iter().any(|tag| same_reference(tag, &two)),
        "{image:?}"
    );
    assert!(image.size >= 3_000_000 && image.created_at.is_some(), "{image:?}");
    if subject.store != ImageStore::Containerd {
        assert_eq!(image.id, archive.config_digest);
    }

    let detail = within(engine.image(&one)).await.expect("inspect");
    assert_eq!(detail.id, image.id);
    assert_eq!(detail.diff_ids, archive.diff_ids);
    assert_eq!(detail.platform, "linux/amd64");
    assert!(detail.config.env.contains(&"PATH=/bin".to_owned()));
    assert_eq!(detail.config.exposed_ports, ["80/tcp"]);
    assert_eq!(detail.config.labels.get("l"), Some(&one));
    let by_id = within(engine.image(&image.id)).await.expect("inspect by id");
    assert_eq!(by_id.diff_ids, archive.diff_ids);

    let history = within(engine.history(&one)).await.expect("history");
    let lines: Vec<_> = history
        .iter()
        .map(|line| (line.created_by.as_str(), line.diff_id.as_deref()))
        .collect();
    let ids = &archive.diff_ids;
    let copies: Vec<_> = lines.iter().filter(|(by, _)| by.starts_with("COPY")).collect();
    assert_eq!(
        copies,
        [
            &("COPY data-1", Some(ids[1].as_str())),
            &("COPY data-0", Some(ids[0].as_str()))
        ]
    );

    let three = format!("{}:3", subject.own("load"));
    within(engine.tag(&one, &three)).await.expect("tag");
    within(engine.tag(&one, &three))
        .await
        .expect("twice is no failure");
    saves_by_name(subject, &[one.clone(), three.clone()]).await;

    // Reference by reference, the content with the last one.
    for (reference, last) in [(&one, false), (&two, false), (&three, true)] {
        let removed = within(engine.remove_image(reference, false))
            .await
            .expect("remove");
        assert!(
            removed
                .iter()
                .any(|line| matches!(line, Removed::Untagged(name) if same_reference(name, reference)))
        );
        let deleted = removed.iter().any(|line| matches!(line, Removed::Deleted(_)));
        assert_eq!(deleted, last, "{reference}: {removed:?}");
        let gone = within(engine.image(reference)).await.expect_err("it is gone");
        assert_eq!(gone.code, ErrorCode::ImageNotFound);
    }
    let gone = within(engine.remove_image(&one, false))
        .await
        .expect_err("it is gone");
    assert_eq!(gone.code, ErrorCode::ImageNotFound);
}

/// What is no archive, or only half of one, is told apart.
pub async fn refuses_what_is_no_archive(subject: &Subject) {
    let reference = format!("{}:1", subject.own("refused"));
    let whole = Archive::new(&reference, &[&reference], 200_000).await.bytes;
    let noise: Vec<u8> = whole.iter().map(|byte| byte ^ 0x5a).collect();
    for (what, bytes, code) in [
        ("half", &whole[..whole.len() / 2], ErrorCode::ArchiveTruncated),
        ("noise", &noise[..], ErrorCode::NotAnArchive),
        ("nothing", &[][..], ErrorCode::NotAnArchive),
    ] {
        let failure = match within(subject.engine.load(body(bytes))).await {
            Err(failure) => failure,
            Ok(loading) => to_the_end(loading).await.expect_err(what),
        };
        assert_eq!(failure.code, code, "{what}: {failure}");
    }
    let absent = within(subject.engine.image(&reference))
        .await
        .expect_err("nothing was loaded");
    assert_eq!(absent.code, ErrorCode::ImageNotFound);
}

async fn saves_by_name(subject: &Subject, names: &[String]) {
    let stream = within(subject.engine.save(names)).await.expect("save begins");
    let bytes: Vec<u8> = within(stream.try_fold(Vec::new(), |mut all, chunk| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    }))
    .await
    .expect("saves");
    let mut files = HashMap::new();
    let mut tar = tokio_tar::Archive::new(bytes.as_slice());
    let mut entries = tar.entries().expect("a tar");
    while let Some(entry) = entries.next().await {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).await.expect("its bytes");
        files.insert(path, content);
    }
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    let items = manifest.as_array().expect("a list");
    let tags: Vec<&str> = items
        .iter()
        .flat_map(|item| item["RepoTags"].as_array().cloned().unwrap_or_default())
        .filter_map(|tag| {
            names
                .iter()
                .find(|name| same_reference(tag.as_str().unwrap_or_default(), name))
        })
        .map(String::as_str)
        .collect();
    assert_eq!(tags.len(), names.len(), "{manifest}");
    for layer in items[0]["Layers"].as_array().expect("layers") {
        assert!(
            files.contains_key(layer.as_str().expect("a path")),
            "{layer} is missing"
        );
    }
    let missing = vec![format!("{}:none", subject.own("load"))];
    let failure = match within(subject.engine.save(&missing)).await {
        Err(failure) => failure,
        Ok(mut stream) => within(stream.next())
            .await
            .expect("an item")
            .expect_err("nothing to save"),
    };
    assert_eq!(failure.code, ErrorCode::ImageNotFound, "{failure}");
}

pub async fn pushes_and_pulls(subject: &Subject) {
    let engine = &subject.engine;
    let reference = format!("{}:1", subject.own("pull"));
    let archive = Archive::new(&reference, &[&reference], 2_000_000).await;
    to_the_end(within(engine.load(archive.body())).await.expect("load"))
        .await
        .expect("loads");
    let pushing = within(engine.push(&reference, None)).await.expect("push begins");
    let pushed = to_the_end(pushing)
        .await
        .expect("pushes")
        .pop()
        .expect("pictures");
    if subject.store != ImageStore::Podman {
        assert!(
            pushed
                .digest
                .as_deref()
                .is_some_and(|digest| digest.starts_with("sha256:")),
            "{pushed:?}"
        );
    }
    within(engine.remove_image(&reference, true))
        .await
        .expect("remove");

    let request = PullRequest {
        reference: reference.clone(),
        platform: None,
        auth: None,
    };
    let pulling = within(engine.pull(request.clone())).await.expect("pull begins");
    let seen = to_the_end(pulling).await.expect("pulls");
    let last = seen.last().expect("pictures");
    if subject.real && subject.store != ImageStore::Podman {
        assert_eq!(last.layers.len(), 2, "{last:?}");
        // The containerd store looks at its downloads now and then: what is quick is never seen in bytes.
        if subject.store == ImageStore::Classic {
            assert!(
                last.bytes_total.is_some_and(|bytes| bytes >= 4_000_000),
                "{last:?}"
            );
        }
        assert_eq!(last.bytes_total.unwrap_or(0), last.bytes_done);
        assert!(seen.len() > 3 && last.percent >= 80, "{last:?}");
        assert_eq!(last.digest, pushed.digest);
    }
    let detail = within(engine.image(&reference)).await.expect("it is there");
    if subject.real {
        assert_eq!(detail.diff_ids, archive.diff_ids);
    }
    let digest = detail
        .repo_digests
        .iter()
        .find_map(|name| name.split_once('@').map(|(_, digest)| digest.to_owned()))
        .expect("a pulled image knows its digest");

    // Again: everything is there already; and by digest.
    to_the_end(within(engine.pull(request)).await.expect("again"))
        .await
        .expect("pulls again");
    let pinned = PullRequest {
        reference: format!("{}@{digest}", subject.own("pull")),
        platform: None,
        auth: None,
    };
    if subject.real {
        to_the_end(within(engine.pull(pinned.clone())).await.expect("by digest"))
            .await
            .expect("pulls by digest");
        let by_digest = within(engine.image(&pinned.reference))
            .await
            .expect("known by digest");
        assert_eq!(by_digest.id, detail.id);
    }

    // One that is cancelled leaves an engine that pulls again.
    let again = PullRequest {
        reference,
        platform: Some("linux/amd64".to_owned()),
        auth: None,
    };
    let mut cancelled = within(engine.pull(again.clone())).await.expect("begins");
    let _ = within(cancelled.next()).await;
    drop(cancelled);
    to_the_end(within(engine.pull(again.clone())).await.expect("begins"))
        .await
        .expect("pulls after a cancelled one");
    within(engine.remove_image(&detail.id, true))
        .await
        .expect("remove");
}

pub async fn tells_what_happens(subject: &Subject) {
    let engine = &subject.engine;
    let reference = format!("{}:1", subject.own("events"));
    let archive = Archive::new(&reference, &[&reference], 1_000).await;
    let mut events = within(engine.events(None)).await.expect("events");
    to_the_end(within(engine.load(archive.body())).await.expect("load"))
        .await
        .expect("loads");
    within(engine.tag(&reference, &format!("{}:2", subject.own("events"))))
        .await
        .expect("tag");
    let mut tagged: Option<EngineEvent> = None;
    while tagged.is_none() {
        let event = within(events.next())
            .await
            .expect("without end")
            .expect("no failure");
        assert!(matches!(event.kind.as_str(), "image" | "container"));
        tagged = Some(event).filter(|event| event.action == "tag");
    }
    let at = tagged.and_then(|event| event.at).expect("it has a time");
    // From the past; engines differ in whether the moment itself belongs to it.
    let before = at - Duration::from_secs(1);
    let mut past = within(engine.events(Some(before))).await.expect("events");
    let first = within(past.next())
        .await
        .expect("at least that one")
        .expect("no failure");
    assert!(first.at >= Some(before) && first.at <= Some(at), "{first:?}");
    for tag in [1, 2] {
        within(engine.remove_image(&format!("{}:{tag}", subject.own("events")), true))
            .await
            .expect("remove");
    }
}
