use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use imagefleet_model::SystemClock;
use imagefleet_store::{Inventory, SecretKey, SeenContainer, SeenImage, Store, StoreOptions};
use sea_orm::{ConnectionTrait as _, Statement};

/// How large an inventory to make up.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Servers.
    pub servers: u64,
    /// Images on each.
    pub images: u64,
    /// Different references over all of them.
    pub references: u64,
}

const REGISTRIES: [&str; 5] = [
    "",
    "",
    "ghcr.io/",
    "harbor.example.com:5000/",
    "registry.example.org/",
];
const TEAMS: [&str; 12] = [
    "platform", "payments", "search", "media", "data", "mobile", "growth", "infra", "ml", "games", "shop",
    "labs",
];
const APPS: [&str; 16] = [
    "api", "web", "worker", "proxy", "cache", "mysql", "postgres", "redis", "nginx", "kafka", "gateway",
    "cron", "mailer", "indexer", "frontend", "exporter",
];
/// References that nearly every server holds.
const POPULAR: u64 = 500;

/// The same numbers in every run.
pub struct Random(u64);

impl Random {
    /// Numbers from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `SplitMix64`.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

/// The data directory of that shape in `dir`, with its database made when it is not there.
pub async fn data_dir(dir: &Path, shape: Shape) -> anyhow::Result<PathBuf> {
    let folder = named(dir, "", shape);
    if !folder.join("done").exists() {
        std::fs::remove_dir_all(&folder).ok();
        std::fs::create_dir_all(&folder)?;
        let store = open(&folder, None).await?;
        fill(&store, shape).await?;
        store.connection().clone().close().await?;
        std::fs::write(folder.join("done"), "")?;
    }
    Ok(folder)
}

/// The same with its inventory in another database, which has to be empty or filled by this.
pub async fn data_dir_on(dir: &Path, shape: Shape, url: &str) -> anyhow::Result<PathBuf> {
    let folder = named(dir, "other-", shape);
    std::fs::create_dir_all(&folder)?;
    let store = open(&folder, Some(url)).await?;
    let filled = store.connection().query_one_raw(Statement::from_string(
        store.backend(),
        "SELECT 1 FROM servers LIMIT 1",
    ));
    if filled.await?.is_none() {
        fill(&store, shape).await?;
    }
    store.connection().clone().close().await?;
    Ok(folder)
}

fn named(dir: &Path, before: &str, shape: Shape) -> PathBuf {
    dir.join(format!(
        "{before}{}x{}-{}",
        shape.servers, shape.images, shape.references
    ))
}

/// Opens the database of a data directory as the program does, or another one with its key.
pub async fn open(folder: &Path, url: Option<&str>) -> anyhow::Result<Store> {
    let own = format!("sqlite://{}", folder.join("imagefleet.db").display());
    let options = StoreOptions {
        url: url.map_or(own, ToOwned::to_owned),
        key: key(&folder.join("secret.key"))?,
        clock: Arc::new(SystemClock),
    };
    Ok(Store::open(options).await?)
}

/// The key of a data directory, made at the first use.
fn key(file: &Path) -> anyhow::Result<SecretKey> {
    if let Some(key) = SecretKey::read(file)? {
        return Ok(key);
    }
    let key = SecretKey::generate();
    key.write(file)?;
    Ok(key)
}

async fn fill(store: &Store, shape: Shape) -> anyhow::Result<()> {
    let started = Instant::now();
    for server in 1..=shape.servers {
        store
            .connection()
            .execute_unprepared(&format!(
                "INSERT INTO servers (id, name, endpoint, enabled, status, created_at, updated_at) \
                 VALUES ({server}, 'server-{server:03}', 'tcp://10.0.{}.{}:2375', FALSE, 'disabled', 0, 0)",
                server / 250,
                server % 250 + 1
            ))
            .await?;
    }
    let mut slowest = std::time::Duration::ZERO;
    for server in 1..=shape.servers {
        let inventory = inventory(shape, server, store.clock().now());
        let start = Instant::now();
        let id = i64::try_from(server).context("a server's number")?;
        store.apply_inventory(id, inventory).await?;
        slowest = slowest.max(start.elapsed());
    }
    // Failures cannot be told by an engine: they are put in by hand, and counted.
    for (word, rest) in [("PULL_FAILED", 0), ("DELETE_FAILED", 1), ("START_FAILED", 2)] {
        store
            .connection()
            .execute_unprepared(&format!(
                "UPDATE images SET status = '{word}' WHERE id % 200 = {rest}"
            ))
            .await?;
    }
    store.recount_images().await?;
    store.connection().execute_unprepared("ANALYZE").await?;
    println!(
        "made {} images of {} references on {} servers in {:.1} s (slowest first sync of a server {:.0} ms)",
        shape.servers * shape.images,
        shape.references,
        shape.servers,
        started.elapsed().as_secs_f64(),
        slowest.as_secs_f64() * 1_000.0
    );
    Ok(())
}

/// What that server holds. Some references are everywhere, the others on about a tenth of the servers.
pub fn inventory(shape: Shape, server: u64, asked_at: imagefleet_model::Timestamp) -> Inventory {
    let mut random = Random::new(server);
    let popular = POPULAR.min(shape.references / 10);
    let mut chosen: Vec<u64> = (0..popular).filter(|_| random.below(10) != 0).collect();
    let mut taken = vec![false; usize::try_from(shape.references).unwrap_or_default()];
    while (chosen.len() as u64) < shape.images {
        let reference = popular + random.below(shape.references - popular);
        let at = usize::try_from(reference).unwrap_or_default();
        if !std::mem::replace(&mut taken[at], true) {
            chosen.push(reference);
        }
    }
    let images: Vec<SeenImage> = chosen
        .iter()
        .map(|reference| image(*reference, &mut random))
        .collect();
    let containers = images
        .iter()
        .step_by(250)
        .enumerate()
        .map(|(at, image)| SeenContainer {
            engine_id: format!("{server:032x}{at:032x}"),
            name: format!("{}-{at}", image.repository.rsplit('/').next().unwrap_or_default()),
            image: image.full_name.clone(),
            image_engine_id: image.engine_id.clone(),
            state: "running".to_owned(),
            status: "Up 3 hours".to_owned(),
            ports: Vec::new(),
            created_at: image.created_at,
        })
        .collect();
    Inventory {
        asked_at,
        images,
        containers,
    }
}

fn image(reference: u64, random: &mut Random) -> SeenImage {
    let mut named = Random::new(reference);
    // Now and then a server holds other content under the same name.
    let content = reference * 4 + u64::from(random.below(20) == 0);
    let digest = |salt: u64| {
        let mut random = Random::new(content * 7 + salt);
        let words: Vec<String> = (0..4).map(|_| format!("{:016x}", random.next())).collect();
        format!("sha256:{}", words.concat())
    };
    let pick = |from: &[&'static str], number: u64| from[usize::try_from(number).unwrap_or(0) % from.len()];
    // About twenty tags a repository.
    let number = reference / 20;
    let repository = format!(
        "{}{}/{}-{number}",
        pick(&REGISTRIES, number),
        pick(&TEAMS, number / 5),
        pick(&APPS, number / 7)
    );
    let tag = match reference % 20 {
        0 => "latest".to_owned(),
        n => format!("{}.{}.{n}", named.below(4), named.below(30)),
    };
    let untagged = reference % 50 == 49;
    SeenImage {
        engine_id: digest(1),
        full_name: if untagged {
            digest(1)
        } else {
            format!("{repository}:{tag}")
        },
        repository,
        tag: (!untagged).then_some(tag),
        digest: Some(digest(2)),
        size: 5_000_000 + Random::new(content).below(1_500_000_000),
        created_at: chrono::DateTime::from_timestamp(
            1_600_000_000 + i64::try_from(named.below(150_000_000)).unwrap_or(0),
            0,
        ),
        platform: Some("linux/amd64".to_owned()),
    }
}
