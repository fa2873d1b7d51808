use std::collections::BTreeMap;

use imagefleet_model::{ErrorInfo, ImageRef, ImageStatus, ServerId};
use sea_orm::{ConnectionTrait as _, FromQueryResult};

use super::{Changes, ImageContent, Inventory, SeenContainer, SeenImage};
use crate::testing::{TestStore, stores};
use crate::{Store, StoreError, sql};

pub async fn add_server(store: &Store, name: &str) -> ServerId {
    let sql = "INSERT INTO servers (name, endpoint, status, created_at, updated_at) \
               VALUES ($1, 'tcp://127.0.0.1:1', 'online', 0, 0) RETURNING id";
    sql::number(&store.db, sql, vec![name.into()])
        .await
        .expect("a server")
}

pub fn seen(full_name: &str, content: u64) -> SeenImage {
    let (repository, tag) = match full_name.rsplit_once(':') {
        Some((repository, tag)) if !full_name.starts_with("sha256:") => (repository, Some(tag.to_owned())),
        _ => ("<none>", None),
    };
    SeenImage {
        engine_id: format!("sha256:{content:064x}"),
        full_name: full_name.to_owned(),
        repository: repository.to_owned(),
        tag,
        digest: Some(format!("sha256:{:064x}", content + 1_000)),
        size: content * 100,
        created_at: chrono::DateTime::from_timestamp(1_600_000_000 + i64::try_from(content).unwrap_or(0), 0),
        platform: None,
    }
}

pub fn container(id: u64, image: &SeenImage) -> SeenContainer {
    SeenContainer {
        engine_id: format!("{id:064x}"),
        name: format!("c{id}"),
        image: image.full_name.clone(),
        image_engine_id: image.engine_id.clone(),
        state: "running".to_owned(),
        status: "Up".to_owned(),
        ports: Vec::new(),
        created_at: None,
    }
}

pub fn inventory(test: &TestStore, images: Vec<SeenImage>, containers: Vec<SeenContainer>) -> Inventory {
    Inventory {
        asked_at: test.store.clock().now(),
        images,
        containers,
    }
}

async fn apply(test: &TestStore, server: ServerId, images: Vec<SeenImage>) -> Changes {
    test.store
        .apply_inventory(server, inventory(test, images, vec![]))
        .await
        .expect("applied")
}

#[derive(Debug, PartialEq, FromQueryResult)]
struct Row {
    full_name: String,
    repository: String,
    tag: Option<String>,
    engine_id: String,
    digest: Option<String>,
    fingerprint: Option<String>,
    size: i64,
    platform: Option<String>,
    status: String,
    in_use: bool,
    created_at: Option<i64>,
}

async fn rows(store: &Store, server: ServerId) -> Vec<Row> {
    let query = "SELECT r.full_name, r.repository, r.tag, i.engine_id, i.digest, i.fingerprint, i.size, i.platform, \
                 i.status, i.in_use, i.created_at FROM images i JOIN image_references r ON r.id = i.reference_id \
                 WHERE i.server_id = $1 ORDER BY r.full_name, r.repository";
    sql::all(&store.db, query, vec![server.into()])
        .await
        .expect("rows")
}

/// Everything that is kept beside the rows, as text.
async fn kept(store: &Store) -> Vec<String> {
    #[derive(FromQueryResult)]
    struct Line {
        line: String,
    }
    let mut lines = Vec::new();
    for query in [
        "SELECT full_name || ' ' || placements || ' ' || pulling || ' ' || pull_failed || ' ' || deleting || ' ' || \
         delete_failed || ' ' || start_failed || ' ' || in_use AS line FROM image_references ORDER BY full_name, id",
        "SELECT server_id || ' ' || reference_ids || ' ' || contents AS line FROM server_inventories \
         WHERE reference_ids <> '' ORDER BY server_id",
        "SELECT id || ' ' || image_count || ' ' || total_size AS line FROM servers ORDER BY id",
    ] {
        let rows: Vec<Line> = sql::all(&store.db, query, vec![]).await.expect("counts");
        lines.extend(rows.into_iter().map(|row| row.line));
    }
    lines
}

/// Takes over a look at a server that holds these, a moment after the last one.
pub async fn look_at(test: &TestStore, server: ServerId, names: &[&str]) {
    test.pass(1);
    let images = names.iter().map(|name| seen(name, 1)).collect();
    let look = inventory(test, images, vec![]);
    test.store.apply_inventory(server, look).await.expect("applied");
}

pub async fn assert_counts(store: &Store) {
    let before = kept(store).await;
    store.recount_images().await.expect("recounted");
    assert_eq!(before, kept(store).await, "kept counts are not what the rows say");
}

/// The same numbers in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

#[tokio::test]
async fn one_look_after_the_other_is_like_the_last_look_alone() {
    for test in stores().await {
        let store = &test.store;
        let mut random = Random(7);
        let a = add_server(store, "a").await;
        let b = add_server(store, "b").await;
        for round in 0..25 {
            let mut images = BTreeMap::new();
            for _ in 0..random.below(40) {
                let name = match random.below(8) {
                    0 => format!("sha256:{:064x}", random.below(6)),
                    1 => format!("host:5000/team/app:{}", random.below(4)),
                    _ => format!("app-{}:{}", random.below(5), random.below(4)),
                };
                images.insert(name.clone(), seen(&name, random.below(12)));
            }
            let images: Vec<SeenImage> = images.into_values().collect();
            let containers: Vec<SeenContainer> = images
                .iter()
                .filter(|_| random.below(4) == 0)
                .zip(0..)
                .map(|(image, id)| container(id, image))
                .collect();
            let look = inventory(&test, images.clone(), containers);
            let changes = store.apply_inventory(a, look.clone()).await.expect("applied");
            assert_eq!(changes.total, images.len() as u64);
            assert_counts(store).await;
            if round % 5 == 0 {
                store
                    .apply_inventory(b, inventory(&test, vec![], vec![]))
                    .await
                    .expect("emptied");
                assert_eq!(rows(store, b).await, []);
            }
            store.apply_inventory(b, look.clone()).await.expect("applied");
            assert_eq!(rows(store, a).await, rows(store, b).await, "round {round}");
            let again = store.apply_inventory(a, look).await.expect("applied");
            assert!(!again.any(), "a second look changed something: {again:?}");
            test.pass(1);
        }
    }
}

#[tokio::test]
async fn a_large_first_look_takes_several_transactions() {
    for test in stores().await {
        let server = add_server(&test.store, "a").await;
        let images: Vec<SeenImage> = (0..9_000).map(|n| seen(&format!("app-{n}:1"), n)).collect();
        let changes = apply(&test, server, images.clone()).await;
        assert_eq!(
            (changes.added, changes.updated, changes.removed, changes.total),
            (9_000, 0, 0, 9_000)
        );
        assert_counts(&test.store).await;
        let changes = apply(&test, server, images[..500].to_vec()).await;
        assert_eq!((changes.removed, changes.total), (8_500, 500));
        assert_counts(&test.store).await;
        let references = "SELECT COUNT(*) FROM image_references";
        assert_eq!(
            sql::number(&test.store.db, references, vec![])
                .await
                .expect("a number"),
            500
        );
    }
}

#[tokio::test]
async fn what_changed_after_the_engine_was_asked_is_left_alone() {
    for test in stores().await {
        let store = &test.store;
        let server = add_server(store, "a").await;
        let old = inventory(&test, vec![seen("app:1", 1)], vec![]);
        test.pass(1);
        apply(&test, server, vec![seen("app:1", 2), seen("app:2", 2)]).await;
        let changes = store.apply_inventory(server, old).await.expect("applied");
        assert!(!changes.any(), "an older look won over a newer one: {changes:?}");
        assert_eq!(rows(store, server).await.len(), 2);
    }
}

fn failure() -> ErrorInfo {
    ErrorInfo {
        code: "manifest_unknown".to_owned(),
        message: "no".to_owned(),
        hint: None,
    }
}

async fn status(test: &TestStore, server: ServerId, name: &str) -> Option<ImageStatus> {
    test.store
        .image_by_name(server, name)
        .await
        .expect("read")
        .map(|image| image.status)
}

#[tokio::test]
async fn a_failed_first_pull_stays_until_content_comes() {
    for test in stores().await {
        let store = &test.store;
        let server = add_server(store, "a").await;
        let reference = ImageRef::parse("team/app:1").expect("a reference");
        let image = store.begin_pull(server, &reference, None).await.expect("begun");
        assert_eq!(
            (image.status, image.engine_id.as_str()),
            (ImageStatus::Pulling, "")
        );
        assert_counts(store).await;
        apply(&test, server, vec![]).await;
        assert_eq!(
            status(&test, server, "team/app:1").await,
            Some(ImageStatus::Pulling)
        );
        store.pull_failed(image.id, &failure()).await.expect("failed");
        assert_counts(store).await;
        apply(&test, server, vec![]).await;
        let failed = store.image(image.id).await.expect("read").expect("there");
        assert_eq!(
            (failed.status, failed.error),
            (ImageStatus::PullFailed, Some(failure()))
        );
        // Somebody pulled it by hand meanwhile.
        apply(&test, server, vec![seen("team/app:1", 1)]).await;
        let there = store.image(image.id).await.expect("read").expect("there");
        assert_eq!((there.status, there.error), (ImageStatus::Available, None));
        assert_counts(store).await;
    }
}

#[tokio::test]
async fn a_failed_pull_of_held_content_keeps_it_until_the_next_one() {
    for test in stores().await {
        let store = &test.store;
        let server = add_server(store, "a").await;
        apply(&test, server, vec![seen("team/app:1", 1)]).await;
        let reference = ImageRef::parse("team/app:1").expect("a reference");
        let image = store.begin_pull(server, &reference, None).await.expect("begun");
        assert!(!image.engine_id.is_empty());
        store.pull_failed(image.id, &failure()).await.expect("failed");
        apply(&test, server, vec![seen("team/app:1", 1)]).await;
        assert_eq!(
            status(&test, server, "team/app:1").await,
            Some(ImageStatus::PullFailed)
        );
        store.begin_pull(server, &reference, None).await.expect("begun");
        apply(&test, server, vec![seen("team/app:1", 2)]).await;
        store.end_pull(image.id, None).await.expect("ended");
        assert_eq!(
            status(&test, server, "team/app:1").await,
            Some(ImageStatus::Available)
        );
        apply(&test, server, vec![]).await;
        assert_eq!(status(&test, server, "team/app:1").await, None);
        assert_counts(store).await;
    }
}

#[tokio::test]
async fn a_pull_by_digest_goes_on_in_the_row_of_what_it_brought() {
    for test in stores().await {
        let store = &test.store;
        let server = add_server(store, "a").await;
        let reference = ImageRef::parse(&format!("app@sha256:{:064x}", 1)).expect("a reference");
        let image = store.begin_pull(server, &reference, None).await.expect("begun");
        let mut untagged = seen(&format!("sha256:{:064x}", 9), 9);
        untagged.repository = "app".to_owned();
        let content = untagged.engine_id.clone();
        apply(&test, server, vec![untagged.clone()]).await;
        let held = store.end_pull(image.id, Some(&content)).await.expect("ended");
        let names = async || {
            let images = store.images_of_server(server).await.expect("read").into_iter();
            images
                .map(|image| (image.id, image.full_name))
                .collect::<Vec<_>>()
        };
        let only = [(image.id, format!("sha256:{:064x}", 9))];
        assert_eq!(
            (held, names().await.as_slice()),
            (Some(image.id), only.as_slice())
        );
        assert_counts(store).await;

        // What the server held before stays what it is.
        let again = store.begin_pull(server, &reference, None).await.expect("begun");
        apply(&test, server, vec![untagged]).await;
        let held = store.end_pull(again.id, Some(&content)).await.expect("ended");
        assert_eq!(
            (held, names().await.as_slice()),
            (Some(image.id), only.as_slice())
        );
        let gone = store.end_pull(again.id, Some(&content)).await.expect("ended");
        assert_eq!(gone, None);
        assert_counts(store).await;
    }
}

#[tokio::test]
async fn work_that_a_crash_ended_is_put_right() {
    for test in stores().await {
        let store = &test.store;
        let server = add_server(store, "a").await;
        apply(
            &test,
            server,
            vec![seen("app:1", 1), seen("app:2", 2), seen("app:3", 3)],
        )
        .await;
        let id = async |name: &str| {
            store
                .image_by_name(server, name)
                .await
                .expect("read")
                .expect("there")
                .id
        };
        let (one, two, three) = (id("app:1").await, id("app:2").await, id("app:3").await);
        store
            .set_image_status(one, ImageStatus::Deleting, None)
            .await
            .expect("set");
        store
            .set_image_status(two, ImageStatus::Pulling, None)
            .await
            .expect("set");
        store
            .set_image_status(three, ImageStatus::Pulling, None)
            .await
            .expect("set");
        let working = format!(
            "INSERT INTO operations (id, kind, status, title, created_by, created_at) \
             VALUES ('o', 'pull_image', 'running', '', 'a', 0); \
             INSERT INTO operation_steps (operation_id, position, server_id, server_name, image_id, status) \
             VALUES ('o', 0, {server}, 'a', {three}, 'running')"
        );
        store
            .db
            .execute_unprepared(&working)
            .await
            .expect("a running step");
        assert_eq!(store.put_right_stale_statuses(0).await.expect("put right"), 2);
        assert_eq!(
            status(&test, server, "app:1").await,
            Some(ImageStatus::DeleteFailed)
        );
        assert_eq!(
            status(&test, server, "app:2").await,
            Some(ImageStatus::PullFailed)
        );
        assert_eq!(status(&test, server, "app:3").await, Some(ImageStatus::Pulling));
        let image = store.image(one).await.expect("read").expect("there");
        assert_eq!(
            image.error.map(|error| error.code).as_deref(),
            Some("interrupted")
        );
        assert_counts(store).await;
    }
}

#[tokio::test]
async fn what_was_cancelled_before_it_began_is_as_before() {
    for test in stores().await {
        let store = &test.store;
        let server = add_server(store, "a").await;
        apply(&test, server, vec![seen("app:1", 1), seen("app:2", 2)]).await;
        let new = ImageRef::parse("app:new").expect("a reference");
        let new = store.begin_pull(server, &new, None).await.expect("begun").id;
        let mut ids = vec![new];
        for (name, status) in [("app:1", ImageStatus::Pulling), ("app:2", ImageStatus::Deleting)] {
            let image = store.image_by_name(server, name).await.expect("read");
            let id = image.expect("there").id;
            store.set_image_status(id, status, None).await.expect("set");
            ids.push(id);
        }
        for (position, id) in ids.iter().enumerate() {
            // One was pulled in the moment in which another pull of it ended well.
            let ended = if position == 1 { "succeeded" } else { "cancelled" };
            let ended = format!(
                "INSERT INTO operations (id, kind, status, title, created_by, created_at) \
                 VALUES ('o{id}', 'pull_image', '{ended}', '', 'a', 0); \
                 INSERT INTO operation_steps (operation_id, position, server_id, server_name, image_id, status) \
                 VALUES ('o{id}', {position}, {server}, 'a', {id}, '{ended}')"
            );
            let stored = store.db.execute_unprepared(&ended).await;
            stored.expect("a step that ended");
        }
        let early = store.put_right_stale_statuses(10_000).await;
        assert_eq!(early.expect("looked"), 0, "a step may still be on its way");
        test.pass(10);
        let late = store.put_right_stale_statuses(10_000).await;
        assert_eq!(late.expect("put right"), 3);
        for name in ["app:1", "app:2"] {
            assert_eq!(status(&test, server, name).await, Some(ImageStatus::Available));
        }
        assert_eq!(status(&test, server, "app:new").await, None);
        assert_counts(store).await;
    }
}

#[tokio::test]
async fn contents_are_asked_for_once_and_told_to_all() {
    for test in stores().await {
        let store = &test.store;
        let a = add_server(store, "a").await;
        let b = add_server(store, "b").await;
        apply(&test, a, vec![seen("app:1", 1)]).await;
        let id = seen("app:1", 1).engine_id;
        let ids = [id.clone(), id.clone()];
        assert_eq!(
            store.unknown_contents(&ids).await.expect("asked"),
            std::slice::from_ref(&id)
        );
        let content = ImageContent {
            engine_id: id.clone(),
            platform: Some("linux/arm64".to_owned()),
            fingerprint: Some("f".to_owned()),
            created_at: None,
        };
        store.remember_contents(&[content]).await.expect("remembered");
        assert_eq!(
            store.unknown_contents(&ids).await.expect("asked"),
            Vec::<String>::new()
        );
        assert!(!apply(&test, a, vec![seen("app:1", 1)]).await.any());
        apply(&test, b, vec![seen("app:2", 1)]).await;
        for server in [a, b] {
            let row = &rows(store, server).await[0];
            assert_eq!(
                (row.platform.as_deref(), row.fingerprint.as_deref()),
                (Some("linux/arm64"), Some("f"))
            );
        }
        assert_eq!(store.forget_unused_contents().await.expect("asked"), 0);
        apply(&test, a, vec![]).await;
        apply(&test, b, vec![]).await;
        assert_eq!(store.forget_unused_contents().await.expect("asked"), 1);
    }
}

#[tokio::test]
async fn containers_say_which_images_are_used() {
    for test in stores().await {
        let store = &test.store;
        let server = add_server(store, "a").await;
        let (one, two) = (seen("app:1", 1), seen("app:2", 2));
        let look = inventory(&test, vec![one.clone(), two.clone()], vec![container(1, &one)]);
        store.apply_inventory(server, look).await.expect("applied");
        let used = async |name: &str| {
            store
                .image_by_name(server, name)
                .await
                .expect("read")
                .expect("there")
                .used_by
        };
        assert_eq!(
            (used("app:1").await, used("app:2").await),
            (vec!["c1".to_owned()], vec![])
        );
        test.pass(1);
        let changed = store
            .apply_containers(server, store.clock().now(), &[container(2, &two)])
            .await
            .expect("applied");
        let states: Vec<(&str, &str)> = changed
            .states
            .iter()
            .map(|change| (change.name.as_str(), change.state.as_str()))
            .collect();
        assert_eq!(
            (changed.rows, states),
            (2, vec![("c2", "running"), ("c1", "removed")])
        );
        assert_eq!(
            (used("app:1").await, used("app:2").await),
            (vec![], vec!["c2".to_owned()])
        );
        test.pass(1);
        let older = SeenContainer {
            status: "Up 5 minutes".to_owned(),
            ..container(2, &two)
        };
        let sick = SeenContainer {
            status: "Up 5 minutes (unhealthy)".to_owned(),
            ..older.clone()
        };
        for (seen, states) in [(older, 0), (sick, 1)] {
            test.pass(1);
            let changed = store
                .apply_containers(server, store.clock().now(), &[seen])
                .await
                .expect("applied");
            assert_eq!((changed.rows, changed.states.len()), (1, states));
        }
        assert_counts(store).await;
        let all = (
            crate::ContainerFilter::default(),
            imagefleet_model::Access::full(),
        );
        let page = store
            .list_containers(&all.0, &all.1, imagefleet_model::PageRequest::default())
            .await;
        let page = page.expect("listed");
        assert!(
            store
                .remove_container_row(page.items[0].id)
                .await
                .expect("removed")
        );
        assert_eq!(used("app:2").await, Vec::<String>::new());
        assert_counts(store).await;
    }
}

#[tokio::test]
async fn a_server_that_is_gone_takes_no_inventory() {
    for test in stores().await {
        let look = inventory(&test, vec![seen("app:1", 1)], vec![]);
        let refused = test.store.apply_inventory(77, look).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn writes_to_postgresql_are_planned_for_what_they_are_about() {
    let Some(at) = crate::testing::shared().await else {
        return;
    };
    let planned = at
        .store
        .write(async |tx| {
            super::take_turn(tx).await?;
            let kept = "SELECT CAST(current_setting('plan_cache_mode') = 'force_custom_plan' AS INT)::BIGINT";
            sql::number(tx, kept, vec![]).await
        })
        .await;
    assert_eq!(planned.expect("asked"), 1);
}
