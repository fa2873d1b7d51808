//! What is kept in memory against what is stored, while everything changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use imagefleet_model::{Access, ErrorInfo, ImageRef, ImageStatus, PageRequest, ServerId};
use sea_orm::ConnectionTrait as _;

use super::{REPOSITORIES, access, everything, fill, filter, views};
use crate::images::{ImageFilter, ImageSort};
use crate::inventory::REMEMBERED;
use crate::inventory::tests::{Random, add_server, assert_counts, container, inventory, look_at, seen};
use crate::testing::{TestStore, stores};
use crate::{NewSoftware, SeenImage, Store, sql};

fn any<T: Clone>(random: &mut Random, of: &[T]) -> T {
    of[usize::try_from(random.below(of.len() as u64)).expect("small")].clone()
}

/// Another look at a server: some images went, some came, some are used.
async fn look(test: &TestStore, server: ServerId, random: &mut Random) {
    test.pass(1);
    let there = test.store.images_of_server(server).await.expect("read");
    let mut images: Vec<SeenImage> = Vec::new();
    for image in there.iter().filter(|_| random.below(4) != 0) {
        images.push(SeenImage {
            engine_id: image.engine_id.clone(),
            full_name: image.full_name.clone(),
            repository: image.repository.clone(),
            tag: image.tag.clone(),
            digest: image.digest.clone(),
            size: image.size,
            created_at: image.created_at,
            platform: image.platform.clone(),
        });
    }
    for _ in 0..random.below(8) {
        let repository = any(random, &REPOSITORIES);
        let image = seen(&format!("{repository}:9.{}", random.below(30)), random.below(40));
        if images.iter().all(|other| other.full_name != image.full_name) {
            images.push(image);
        }
    }
    let used = images.iter().filter(|_| random.below(5) == 0).zip(0..);
    let containers = used.map(|(image, id)| container(id, image)).collect();
    let look = inventory(test, images, containers);
    test.store.apply_inventory(server, look).await.expect("applied");
}

async fn a_status(test: &TestStore, server: ServerId, random: &mut Random) {
    let images = test.store.images_of_server(server).await.expect("read");
    if images.is_empty() {
        return;
    }
    let image = any(random, &images);
    let status = any(random, ImageStatus::ALL);
    let error = ImageStatus::FAILED.contains(&status).then(|| ErrorInfo {
        code: "c".to_owned(),
        message: "m".to_owned(),
        hint: None,
    });
    test.store
        .set_image_status(image.id, status, error.as_ref())
        .await
        .expect("set");
}

async fn a_pull(test: &TestStore, server: ServerId, random: &mut Random) {
    let reference = ImageRef::parse(&format!("pulled/app:{}", random.below(5))).expect("a reference");
    let image = test
        .store
        .begin_pull(server, &reference, None)
        .await
        .expect("begun");
    if random.below(2) == 0 {
        test.store.end_pull(image.id, None).await.expect("ended");
    }
}

async fn a_server(test: &TestStore, servers: &mut [ServerId], random: &mut Random, round: u64) {
    let at = usize::try_from(random.below(servers.len() as u64)).expect("small");
    test.store
        .delete_server(servers[at], true)
        .await
        .expect("deleted");
    servers[at] = add_server(&test.store, &format!("s{:02}-{round}", random.below(90))).await;
    look(test, servers[at], random).await;
}

async fn a_name(test: &TestStore, server: ServerId, random: &mut Random, round: u64) {
    let name = format!("n{:02}-{round}", random.below(90));
    let rename = format!("UPDATE servers SET name = '{name}' WHERE id = {server}");
    test.store.db.execute_unprepared(&rename).await.expect("renamed");
}

async fn an_entry(test: &TestStore, random: &mut Random) {
    let repository = any(random, &["nginx", "team/app", "team/app_2"]).to_owned();
    match test.store.software_for(&repository).await.expect("read") {
        Some(entry) if !entry.builtin => test.store.delete_software(entry.id).await.expect("deleted"),
        _ => {
            let entry = NewSoftware {
                name: repository.clone(),
                repository,
                default_tag: "1".to_owned(),
                ..NewSoftware::default()
            };
            test.store.create_software(entry).await.expect("created");
        }
    }
}

/// Somebody changes rows by hand, and has everything counted anew.
async fn a_recount(test: &TestStore, random: &mut Random) {
    let rest = random.below(50);
    let by_hand = format!("UPDATE images SET status = 'START_FAILED' WHERE id % 50 = {rest}");
    test.store.db.execute_unprepared(&by_hand).await.expect("changed");
    test.store.recount_images().await.expect("recounted");
}

/// So many changes as are not remembered.
async fn many_changes(test: &TestStore, server: ServerId, random: &mut Random) {
    look(test, server, random).await;
    let raise = format!(
        "UPDATE inventory_changes SET number = number + {}",
        REMEMBERED + 1
    );
    test.store.db.execute_unprepared(&raise).await.expect("raised");
    look(test, server, random).await;
}

async fn change(test: &TestStore, servers: &mut [ServerId], random: &mut Random, round: u64) {
    let server = any(random, servers);
    match random.below(16) {
        0..5 => look(test, server, random).await,
        5..9 => a_status(test, server, random).await,
        9 => a_pull(test, server, random).await,
        10 => a_server(test, servers, random, round).await,
        11 => a_name(test, server, random, round).await,
        12 => an_entry(test, random).await,
        13 => a_recount(test, random).await,
        14 => many_changes(test, server, random).await,
        _ => {}
    }
}

#[tokio::test]
async fn pages_are_what_the_rows_are_after_every_change_whoever_made_it() {
    for test in stores().await {
        let mut random = Random(29);
        let mut servers = fill(&test, &mut random).await;
        // On PostgreSQL a second program takes part.
        let programs = if test.store.is_sqlite() {
            vec![test]
        } else {
            let other = test.again().await;
            vec![test, other]
        };
        for round in 0..60 {
            let writer = &programs[usize::try_from(random.below(programs.len() as u64)).expect("small")];
            for _ in 0..=random.below(2) {
                change(writer, &mut servers, &mut random, round).await;
            }
            let mut filter = filter(&mut random, &servers);
            if random.below(6) == 0 {
                let entry = writer.store.software_for("team/app").await.expect("read");
                filter.software_id = Some(entry.map_or(-1, |entry| entry.id));
            }
            let access = access(&mut random, &servers);
            for reader in &programs {
                let store = &reader.store;
                let about = format!("round {round}: {filter:?} {access:?}");
                let all = everything(store).await;
                views(store, &filter, &access, &all, &mut random, &about).await;
            }
        }
        assert_counts(&programs[0].store).await;
    }
}

/// Totals of the three views.
async fn totals(store: &Store, filter: &ImageFilter) -> (u64, u64, u64) {
    let (access, page) = (Access::full(), PageRequest { page: 1, size: 5 });
    let list = store
        .list_images(filter, ImageSort::default(), &access, page)
        .await;
    let by_server = store.images_by_server(filter, &access, page).await;
    let by_image = store.images_by_image(filter, false, &access, page).await;
    let images = by_server
        .expect("servers")
        .items
        .iter()
        .map(|group| group.image_count)
        .sum();
    (
        list.expect("a list").total,
        images,
        by_image.expect("references").total,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_half_of_a_change() {
    for test in stores().await {
        let server = add_server(&test.store, "a").await;
        let other = add_server(&test.store, "b").await;
        let name = |round: u64| format!("app-{}:1", round % 7);
        let look = async |round: u64| {
            test.pass(1);
            let look = inventory(&test, vec![seen(&name(round), round), seen("other:2", 1)], vec![]);
            test.store.apply_inventory(server, look).await.expect("applied");
        };
        look(0).await;
        let elsewhere = inventory(&test, vec![seen("other:2", 1)], vec![]);
        test.store
            .apply_inventory(other, elsewhere)
            .await
            .expect("applied");
        let filter = ImageFilter {
            tag: Some("1".to_owned()),
            ..ImageFilter::default()
        };
        let ended = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (store, filter, ended) = (test.store.clone(), filter.clone(), Arc::clone(&ended));
                tokio::spawn(async move {
                    let mut read = 0;
                    while !ended.load(Ordering::Relaxed) {
                        assert_eq!(totals(&store, &filter).await, (1, 1, 1));
                        read += 1;
                    }
                    read
                })
            })
            .collect();
        for round in 1..80 {
            look(round).await;
        }
        ended.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.await.expect("what was read was whole") > 0);
        }
    }
}

#[tokio::test]
async fn what_went_is_forgotten_after_a_while() {
    for test in stores().await {
        let server = add_server(&test.store, "a").await;
        let look = async |names: &[&str]| look_at(&test, server, names).await;
        let gone = async || {
            let count = "SELECT COUNT(*) FROM image_references_gone";
            sql::number(&test.store.db, count, vec![]).await.expect("a count")
        };
        look(&["app:1", "app:2", "app:3"]).await;
        look(&["app:1", "app:2"]).await;
        look(&["app:1"]).await;
        assert_eq!(gone().await, 2);
        let raise = format!("UPDATE inventory_changes SET number = number + {REMEMBERED}");
        test.store.db.execute_unprepared(&raise).await.expect("raised");
        look(&["app:4"]).await;
        assert_eq!(gone().await, 1, "what is older than can be remembered went");
    }
}
