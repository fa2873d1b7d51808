//! Every page of every view against the same rows, filtered, sorted and cut by what is written here alone.

mod freshness;

use std::collections::{BTreeMap, HashMap, HashSet};

use imagefleet_model::{Access, ErrorInfo, Image, ImageStatus, Page, PageRequest, ServerId, Verb};

use super::{ImageFilter, ImageSort, SortKey};
use crate::inventory::tests::{Random, add_server, assert_counts, container, inventory, seen};
use crate::testing::{TestStore, stores};
use crate::{SeenImage, Store};

const REPOSITORIES: [&str; 8] = [
    "nginx",
    "team/app",
    "team/app_2",
    "host:5000/team/100%",
    "ghcr.io/Upper/App",
    "名字/应用",
    "quo\"te",
    "odd[a]*?",
];

/// Seven servers with different images under the same names, some failed, some used, some untagged.
async fn fill(test: &TestStore, random: &mut Random) -> Vec<ServerId> {
    let mut servers = Vec::new();
    for name in ["delta", "alpha", "golf", "bravo", "foxtrot", "charlie", "empty"] {
        let server = add_server(&test.store, name).await;
        servers.push(server);
        if name == "empty" {
            continue;
        }
        let mut images: BTreeMap<String, SeenImage> = BTreeMap::new();
        for _ in 0..60 {
            let repository = REPOSITORIES[usize::try_from(random.below(8)).expect("small")];
            let content = random.below(40);
            let mut image = match random.below(10) {
                0 => seen(&format!("sha256:{content:064x}"), content),
                n => seen(&format!("{repository}:{}.{}", n % 3, random.below(6)), content),
            };
            if image.tag.is_none() && content.is_multiple_of(2) {
                image.repository = "team/app".to_owned();
            }
            if random.below(3) == 0 {
                image.digest = None;
            }
            images.insert(image.full_name.clone(), image);
        }
        let images: Vec<SeenImage> = images.into_values().collect();
        let used = images.iter().filter(|_| random.below(5) == 0).zip(0..);
        let containers = used.map(|(image, id)| container(id, image)).collect();
        test.store
            .apply_inventory(server, inventory(test, images, containers))
            .await
            .expect("applied");
        test.pass(1);
        for image in test.store.images_of_server(server).await.expect("read") {
            let status = match random.below(12) {
                0 => ImageStatus::PullFailed,
                1 => ImageStatus::DeleteFailed,
                2 => ImageStatus::StartFailed,
                3 => ImageStatus::Pulling,
                4 => ImageStatus::Deleting,
                _ => continue,
            };
            let error = ErrorInfo {
                code: "c".to_owned(),
                message: "m".to_owned(),
                hint: None,
            };
            let error = ImageStatus::FAILED.contains(&status).then_some(error);
            test.store
                .set_image_status(image.id, status, error.as_ref())
                .await
                .expect("set");
        }
    }
    assert_counts(&test.store).await;
    servers
}

fn filter(random: &mut Random, servers: &[ServerId]) -> ImageFilter {
    let mut filter = ImageFilter::default();
    let queries = [
        "ngi",
        "NGINX",
        "a",
        "pp",
        "_",
        "%",
        "\"",
        "100%",
        "_2:1",
        "应用",
        "字",
        "x/应",
        "1.2",
        "sha256:",
        "upper/app",
        "nothing",
        "  team/app  ",
        "'; --",
        "a\nb",
        "\u{0}",
        "*",
        "a?p",
        "[a]",
        "]*?",
    ];
    if random.below(3) == 0 {
        let q = queries[usize::try_from(random.below(queries.len() as u64)).expect("small")];
        filter.q = Some(q.to_owned());
    }
    if random.below(4) == 0 {
        let name = queries[usize::try_from(random.below(queries.len() as u64)).expect("small")];
        filter.name = Some(name.to_owned());
    }
    if random.below(4) == 0 {
        filter.server_ids = servers.iter().copied().filter(|_| random.below(3) == 0).collect();
    }
    match random.below(6) {
        0 => filter.statuses = ImageStatus::FAILED.to_vec(),
        1 => filter.statuses = vec![ImageStatus::Available],
        2 => filter.statuses = vec![ImageStatus::Pulling, ImageStatus::Available],
        _ => {}
    }
    match random.below(8) {
        0 => filter.repository = Some("team/app".to_owned()),
        1 => filter.tag = Some("1.2".to_owned()),
        _ => {}
    }
    match random.below(6) {
        0 => filter.unused = Some(true),
        1 => filter.unused = Some(false),
        _ => {}
    }
    filter
}

fn access(random: &mut Random, servers: &[ServerId]) -> Access {
    let mut access = Access::default();
    match random.below(6) {
        0 => access.add(
            vec![Verb::ImageView],
            Some(servers[..3].to_vec()),
            &["*".to_owned()],
        ),
        1 => access.add(
            vec![Verb::ImageView],
            None,
            &["team/*".to_owned(), "nginx".to_owned()],
        ),
        2 => {
            access.add(
                vec![Verb::ImageView],
                Some(servers[2..5].to_vec()),
                &["team/*".to_owned()],
            );
            access.add(
                vec![Verb::ImageView],
                Some(servers[..1].to_vec()),
                &["*".to_owned()],
            );
        }
        _ => access = Access::full(),
    }
    access
}

fn matches(image: &Image, filter: &ImageFilter, access: &Access) -> bool {
    let q = filter.q.as_deref().unwrap_or_default().trim().to_lowercase();
    let found = |text: &str| text.to_lowercase().contains(&q);
    let name = filter.name.as_deref().unwrap_or_default().trim().to_lowercase();
    let named = if name.contains(':') {
        image.full_name.to_lowercase().contains(&name)
    } else {
        image.repository.to_lowercase().contains(&name)
    };
    (name.is_empty() || named)
        && (q.is_empty() || found(&image.full_name) || found(&image.repository))
        && (filter.server_ids.is_empty() || filter.server_ids.contains(&image.server_id))
        && (filter.statuses.is_empty() || filter.statuses.contains(&image.status))
        && filter
            .repository
            .as_ref()
            .is_none_or(|repository| *repository == image.repository)
        && filter
            .tag
            .as_ref()
            .is_none_or(|tag| Some(tag) == image.tag.as_ref())
        && filter
            .unused
            .is_none_or(|unused| unused == image.used_by.is_empty())
        && filter.software_id.is_none_or(|id| Some(id) == image.software_id)
        && access.on_image(Verb::ImageView, image.server_id, &image.repository)
}

async fn everything(store: &Store) -> Vec<Image> {
    let rows = super::row::read(&store.db, "1 = 1", "", vec![])
        .await
        .expect("rows");
    super::row::images(&store.db, rows).await.expect("images")
}

fn name(image: &Image) -> (String, String) {
    (image.full_name.to_lowercase(), image.repository.to_lowercase())
}

/// All pages, one after the other; their totals must agree, and a page beyond the end is empty.
async fn pages<T>(size: u64, read: impl AsyncFn(PageRequest) -> Page<T>) -> (u64, Vec<T>) {
    let first = read(PageRequest { page: 1, size }).await;
    let (total, mut items) = (first.total, first.items);
    for page in 2..=total.div_ceil(size) {
        let next = read(PageRequest { page, size }).await;
        assert_eq!(next.total, total);
        assert!(next.items.len() as u64 <= size);
        items.extend(next.items);
    }
    for page in [total / size + 2, u64::MAX] {
        let beyond = read(PageRequest { page, size }).await;
        assert_eq!((beyond.items.len(), beyond.total), (0, total));
    }
    (total, items)
}

#[tokio::test]
async fn every_page_shows_what_a_filter_of_all_rows_shows() {
    for test in stores().await {
        let store = &test.store;
        let mut random = Random(11);
        let servers = fill(&test, &mut random).await;
        let all = everything(store).await;
        for round in 0..40 {
            let filter = filter(&mut random, &servers);
            let access = access(&mut random, &servers);
            let about = format!("round {round}: {filter:?} {access:?}");
            views(store, &filter, &access, &all, &mut random, &about).await;
        }
    }
}

/// Whether all three views show what the filter shows of all rows.
async fn views(
    store: &Store,
    filter: &ImageFilter,
    access: &Access,
    all: &[Image],
    random: &mut Random,
    about: &str,
) {
    let wanted: Vec<&Image> = all
        .iter()
        .filter(|image| matches(image, filter, access))
        .collect();
    list(store, filter, access, &wanted, random, about).await;
    by_server(store, filter, access, &wanted, about).await;
    by_image(store, filter, access, &wanted, all, about).await;
}

async fn list(
    store: &Store,
    filter: &ImageFilter,
    access: &Access,
    wanted: &[&Image],
    random: &mut Random,
    about: &str,
) {
    let keys = [
        SortKey::Name,
        SortKey::Size,
        SortKey::Created,
        SortKey::Updated,
        SortKey::Server,
        SortKey::Status,
    ];
    let key = keys[usize::try_from(random.below(9)).expect("small") % 6];
    let sort = ImageSort {
        key,
        descending: random.below(2) == 0,
    };
    let about = format!("{about} {sort:?}");
    let size = [13, 50, 200][usize::try_from(random.below(3)).expect("small")];
    let (total, items) = pages(size, async |page| {
        store
            .list_images(filter, sort, access, page)
            .await
            .unwrap_or_else(|error| panic!("{about}: {error}"))
    })
    .await;
    assert_eq!(total, wanted.len() as u64, "{about}");
    let ids: HashSet<i64> = items.iter().map(|image| image.id).collect();
    assert_eq!(ids, wanted.iter().map(|image| image.id).collect(), "{about}");
    let key = |image: &Image| match sort.key {
        SortKey::Name => name(image).0,
        SortKey::Size => format!("{:020}", image.size),
        SortKey::Created => format!("{:?}", image.created_at),
        SortKey::Updated => format!("{:?}", image.updated_at),
        SortKey::Server => image.server_name.clone(),
        SortKey::Status => image.status.as_str().to_owned(),
    };
    let mut keys: Vec<String> = items.iter().map(key).collect();
    if sort.descending {
        keys.reverse();
    }
    assert!(keys.is_sorted(), "{about}: {keys:?}");
    if sort == ImageSort::default() {
        let shown: Vec<_> = items
            .iter()
            .map(|image| (name(image), image.server_name.clone()))
            .collect();
        let mut sorted = shown.clone();
        sorted.sort();
        assert_eq!(shown, sorted, "{about}");
    }
    let by_id: HashMap<i64, &&Image> = wanted.iter().map(|image| (image.id, image)).collect();
    let same = |image: &Image| {
        let mut wanted = Image::clone(by_id[&image.id]);
        if !access.on_whole_server(Verb::ImageView, image.server_id) {
            // Names of containers that they do not see are hidden; how many there are is told.
            assert_eq!(image.used_by.len(), wanted.used_by.len(), "{about}");
            wanted.used_by.clone_from(&image.used_by);
        }
        wanted == *image
    };
    assert!(items.iter().all(same), "{about}: rows differ");
}

async fn by_server(store: &Store, filter: &ImageFilter, access: &Access, wanted: &[&Image], about: &str) {
    let (total, groups) = pages(3, async |page| {
        store
            .images_by_server(filter, access, page)
            .await
            .unwrap_or_else(|error| panic!("{about}: {error}"))
    })
    .await;
    let mut expected: BTreeMap<&str, Vec<&Image>> = BTreeMap::new();
    for image in wanted {
        expected.entry(&image.server_name).or_default().push(image);
    }
    let filtered = *filter
        != ImageFilter {
            server_ids: filter.server_ids.clone(),
            ..ImageFilter::default()
        };
    let held: Vec<&str> = groups
        .iter()
        .filter(|group| filtered || group.image_count > 0)
        .map(|group| group.server.name.as_str())
        .collect();
    assert_eq!(held, expected.keys().copied().collect::<Vec<_>>(), "{about}");
    assert_eq!(total, groups.len() as u64, "{about}");
    for group in &groups {
        let mut images = expected.remove(group.server.name.as_str()).unwrap_or_default();
        assert_eq!(group.image_count, images.len() as u64, "{about}");
        let sizes: HashMap<&str, u64> = images
            .iter()
            .map(|image| (image.engine_id.as_str(), image.size))
            .collect();
        assert_eq!(
            group.total_size,
            sizes.values().sum::<u64>(),
            "{about} {}",
            group.server.name
        );
        images.sort_by_key(|image| name(image));
        images.truncate(12);
        let shown: Vec<i64> = group.images.iter().map(|image| image.id).collect();
        assert_eq!(
            shown,
            images.iter().map(|image| image.id).collect::<Vec<_>>(),
            "{about}"
        );
    }
}

async fn by_image(
    store: &Store,
    filter: &ImageFilter,
    access: &Access,
    wanted: &[&Image],
    all: &[Image],
    about: &str,
) {
    let (total, groups) = pages(7, async |page| {
        store
            .images_by_image(filter, false, access, page)
            .await
            .unwrap_or_else(|error| panic!("{about}: {error}"))
    })
    .await;
    let mut expected: BTreeMap<(String, String), Vec<&Image>> = BTreeMap::new();
    for image in wanted {
        expected.entry(name(image)).or_default().push(image);
    }
    assert_eq!(total, expected.len() as u64, "{about}");
    let shown: Vec<(String, String)> = groups
        .iter()
        .map(|group| (group.full_name.to_lowercase(), group.repository.to_lowercase()))
        .collect();
    assert_eq!(shown, expected.keys().cloned().collect::<Vec<_>>(), "{about}");
    for (group, mut images) in groups.iter().zip(expected.into_values()) {
        images.sort_by_key(|image| image.server_name.clone());
        let placed: Vec<i64> = group
            .placements
            .iter()
            .map(|placement| placement.image_id)
            .collect();
        assert_eq!(
            placed,
            images.iter().map(|image| image.id).collect::<Vec<_>>(),
            "{about}"
        );
        assert_eq!(group.server_count, placed.len() as u64);
        assert_eq!(
            group.total_size,
            images.iter().map(|image| image.size).sum::<u64>()
        );
        // Drift is about all contents that the caller may see, and here every content has its own engine id.
        let held: Vec<&Image> = all
            .iter()
            .filter(|image| !image.engine_id.is_empty())
            .filter(|image| image.full_name == group.full_name && image.repository == group.repository)
            .filter(|image| matches(image, &ImageFilter::default(), access))
            .collect();
        let ids: HashSet<&str> = held.iter().map(|image| image.engine_id.as_str()).collect();
        let digests: HashSet<&Option<String>> = held.iter().map(|image| &image.digest).collect();
        let one_digest = digests.len() == 1 && !digests.contains(&None);
        assert_eq!(
            group.drift,
            ids.len() > 1 && !one_digest,
            "{about} {}",
            group.full_name
        );
    }
}

#[tokio::test]
async fn one_content_under_two_kinds_of_ids_is_no_drift() {
    for test in stores().await {
        let store = &test.store;
        let (a, b) = (add_server(store, "a").await, add_server(store, "b").await);
        for (server, content, fingerprint) in [(a, 1, "same"), (b, 2, "same")] {
            let mut image = seen("app:1", content);
            image.digest = None;
            let content = crate::ImageContent {
                engine_id: image.engine_id.clone(),
                platform: None,
                fingerprint: Some(fingerprint.to_owned()),
                created_at: None,
            };
            store.remember_contents(&[content]).await.expect("remembered");
            store
                .apply_inventory(server, inventory(&test, vec![image], vec![]))
                .await
                .expect("applied");
        }
        let groups = store
            .images_by_image(
                &ImageFilter::default(),
                false,
                &Access::full(),
                PageRequest::default(),
            )
            .await
            .expect("groups");
        assert_eq!((groups.items.len(), groups.items[0].drift), (1, false));
    }
}

#[tokio::test]
async fn pages_stay_right_when_names_come_between_others() {
    for test in stores().await {
        let store = &test.store;
        let server = add_server(store, "a").await;
        let mut names = Vec::new();
        let mut random = Random(3);
        for _ in 0..4 {
            for _ in 0..1_500 {
                names.push(format!("app-{:06}:{}", random.below(900_000), random.below(9)));
            }
            let images: Vec<SeenImage> = names
                .iter()
                .collect::<HashSet<_>>()
                .into_iter()
                .map(|name| seen(name, 1))
                .collect();
            store
                .apply_inventory(server, inventory(&test, images, vec![]))
                .await
                .expect("applied");
        }
        names.sort();
        names.dedup();
        let (total, shown) = pages(200, async |page| {
            store
                .list_images(
                    &ImageFilter::default(),
                    ImageSort::default(),
                    &Access::full(),
                    page,
                )
                .await
                .expect("a page")
        })
        .await;
        assert_eq!(total, names.len() as u64);
        assert_eq!(
            shown.into_iter().map(|image| image.full_name).collect::<Vec<_>>(),
            names
        );
    }
}

#[tokio::test]
async fn a_search_by_server_sees_what_has_changed_since_the_last_one() {
    for test in stores().await {
        let store = &test.store;
        let filter = ImageFilter {
            q: Some("nginx".to_owned()),
            ..ImageFilter::default()
        };
        let found = async || {
            let page = store
                .images_by_server(&filter, &Access::full(), PageRequest { page: 1, size: 10 })
                .await
                .expect("read");
            let groups = page.items.into_iter();
            groups
                .map(|group| (group.server.name, group.image_count, group.total_size))
                .collect::<Vec<_>>()
        };
        let old = add_server(store, "alpha").await;
        let images = vec![seen("nginx:1", 5), seen("nginx:2", 7)];
        store
            .apply_inventory(old, inventory(&test, images, vec![]))
            .await
            .expect("applied");
        assert_eq!(
            found().await,
            [(
                "alpha".to_owned(),
                2,
                seen("nginx:1", 5).size + seen("nginx:2", 7).size
            )]
        );
        test.pass(1);
        let images = vec![seen("nginx:2", 7)];
        store
            .apply_inventory(old, inventory(&test, images, vec![]))
            .await
            .expect("applied");
        assert_eq!(found().await, [("alpha".to_owned(), 1, seen("nginx:2", 7).size)]);
        store.delete_server(old, true).await.expect("deleted");
        assert_eq!(found().await, []);
        let new = add_server(store, "bravo").await;
        let images = vec![seen("nginx:3", 9)];
        store
            .apply_inventory(new, inventory(&test, images, vec![]))
            .await
            .expect("applied");
        assert_eq!(found().await, [("bravo".to_owned(), 1, seen("nginx:3", 9).size)]);
    }
}

#[test]
fn words_of_sorts_and_statuses() {
    let sort = ImageSort::from_word("-size").expect("a sort");
    assert_eq!((sort.key, sort.descending), (SortKey::Size, true));
    assert_eq!(ImageSort::from_word("name; DROP TABLE images"), None);
    assert_eq!(
        ImageFilter::statuses_of("ERROR"),
        Some(ImageStatus::FAILED.to_vec())
    );
    assert_eq!(
        ImageFilter::statuses_of("pulling"),
        Some(vec![ImageStatus::Pulling])
    );
    assert_eq!(ImageFilter::statuses_of("unknown"), None);
}
