use std::collections::{HashMap, HashSet};

use imagefleet_model::{ErrorCode, Failure, ImageStatus, ServerId};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::counts::take_turn;
use super::rows::{self, ReferenceName, Stored};
use super::{Changes, Counting, Inventory, SeenImage};
use crate::{Result, Store, StoreError, sql};

/// Rows that one transaction writes at most: on `SQLite` everybody else waits for it.
const AT_ONCE: usize = 4_000;

impl Store {
    /// Makes the stored inventory of a server what its engine told, writing only what differs. A first look at a
    /// large server takes several transactions; counts and rows agree after each of them.
    pub async fn apply_inventory(&self, server_id: ServerId, inventory: Inventory) -> Result<Changes> {
        let mut changes = Changes::default();
        loop {
            let now = self.now_ms();
            let (part, more) = self
                .write(async |tx| {
                    take_turn(tx).await?;
                    apply_part(tx, server_id, &inventory, now).await
                })
                .await?;
            changes.added += part.added;
            changes.updated += part.updated;
            changes.removed += part.removed;
            changes.total = part.total;
            if !more {
                break;
            }
        }
        // After the images: a container that names its image by id finds its repository there.
        let containers = self
            .apply_containers(server_id, inventory.asked_at, &inventory.containers)
            .await?;
        changes.containers_changed = containers.rows;
        changes.container_states = containers.states;
        Ok(changes)
    }
}

/// What an image row is to become.
struct Wanted<'a> {
    seen: &'a SeenImage,
    content: Content,
    status: ImageStatus,
    in_use: bool,
}

/// What `image_contents` adds to an engine's list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Content {
    platform: Option<String>,
    fingerprint: Option<String>,
    created_at: Option<i64>,
}

async fn apply_part(
    tx: &impl ConnectionTrait,
    server_id: ServerId,
    inventory: &Inventory,
    now: i64,
) -> Result<(Changes, bool)> {
    let asked_at = inventory.asked_at.timestamp_millis();
    if sql::run(
        tx,
        "UPDATE servers SET last_sync_at = $1 WHERE id = $2",
        vec![now.into(), server_id.into()],
    )
    .await?
        == 0
    {
        return Err(StoreError::Refused(Failure::new(
            ErrorCode::ServerNotFound,
            "The server is no longer registered.",
        )));
    }
    let stored = rows::of_server(tx, server_id).await?;
    let contents = contents(tx, &stored, &inventory.images).await?;
    let used: HashSet<&str> = inventory
        .containers
        .iter()
        .map(|container| container.image_engine_id.as_str())
        .collect();
    let mut old: HashMap<(&str, &str), &Stored> = stored
        .iter()
        .map(|row| ((row.full_name.as_str(), row.repository.as_str()), row))
        .collect();
    let mut new = Vec::new();
    let mut changed = Vec::new();
    for seen in &inventory.images {
        let row = old.remove(&(seen.full_name.as_str(), seen.repository.as_str()));
        let wanted = Wanted::new(seen, row, &contents, used.contains(seen.engine_id.as_str()));
        match row {
            None => new.push(wanted),
            Some(row) if row.updated_at <= asked_at && wanted.differs(row) => changed.push((row, wanted)),
            Some(_) => {}
        }
    }
    let mut gone = Vec::new();
    let mut emptied = Vec::new();
    for row in old.into_values().filter(|row| row.updated_at <= asked_at) {
        match parse_status(&row.status) {
            // The engine has nothing yet, or nothing any more: the pull under way, or its failure, is all there is.
            ImageStatus::Pulling | ImageStatus::PullFailed if row.engine_id.is_empty() => {}
            ImageStatus::Pulling => emptied.push(row),
            _ => gone.push(row),
        }
    }
    let differences = new.len() + changed.len() + gone.len() + emptied.len();
    let total = stored.len() + new.len() - gone.len();
    new.truncate(AT_ONCE);
    changed.truncate(AT_ONCE - new.len());
    gone.truncate(AT_ONCE - new.len() - changed.len());
    let written = new.len() + changed.len() + gone.len();
    let mut counting = Counting::default();
    insert(tx, server_id, &new, now, &mut counting).await?;
    update(tx, &changed, now, &mut counting).await?;
    empty(tx, &emptied, now, &mut counting).await?;
    delete(tx, &gone, &mut counting).await?;
    if !changed.is_empty() || !emptied.is_empty() {
        counting.content_changed();
    }
    if differences > 0 {
        counting.store(tx, server_id).await?;
    }
    let changes = Changes {
        added: new.len() as u64,
        updated: (changed.len() + emptied.len()) as u64,
        removed: gone.len() as u64,
        total: total as u64,
        ..Changes::default()
    };
    Ok((changes, written + emptied.len() < differences))
}

impl<'a> Wanted<'a> {
    fn new(
        seen: &'a SeenImage,
        row: Option<&Stored>,
        contents: &HashMap<String, Content>,
        in_use: bool,
    ) -> Self {
        let same = row.filter(|row| row.engine_id == seen.engine_id);
        let looked_into = contents.get(&seen.engine_id).cloned().unwrap_or_default();
        let told = seen.created_at.map(|at| at.timestamp_millis());
        let content = Content {
            platform: looked_into
                .platform
                .or_else(|| same.and_then(|row| row.platform.clone()))
                .or_else(|| seen.platform.clone()),
            fingerprint: looked_into
                .fingerprint
                .or_else(|| same.and_then(|row| row.fingerprint.clone())),
            created_at: told
                .or(looked_into.created_at)
                .or_else(|| same.and_then(|row| row.created_at)),
        };
        Self {
            seen,
            content,
            status: status_after(row, seen),
            in_use,
        }
    }

    fn differs(&self, row: &Stored) -> bool {
        row.engine_id != self.seen.engine_id
            || row.digest != self.seen.digest
            || row.size != sql::signed(self.seen.size)
            || row.in_use != self.in_use
            || row.status != self.status.as_str()
            || row.platform != self.content.platform
            || row.fingerprint != self.content.fingerprint
            || row.created_at != self.content.created_at
    }
}

/// Work under way and failures stay shown, unless the content is another than they were about.
fn status_after(row: Option<&Stored>, seen: &SeenImage) -> ImageStatus {
    let Some(row) = row else {
        return ImageStatus::Available;
    };
    match parse_status(&row.status) {
        status @ (ImageStatus::Pulling | ImageStatus::Deleting) => status,
        status if row.engine_id == seen.engine_id => status,
        _ => ImageStatus::Available,
    }
}

fn parse_status(word: &str) -> ImageStatus {
    ImageStatus::from_word(word).unwrap_or(ImageStatus::Available)
}

/// What was learned of the engine ids whose rows do not know it yet.
async fn contents(
    tx: &impl ConnectionTrait,
    stored: &[Stored],
    images: &[SeenImage],
) -> Result<HashMap<String, Content>> {
    #[derive(FromQueryResult)]
    struct Row {
        engine_id: String,
        platform: Option<String>,
        fingerprint: Option<String>,
        created_at: Option<i64>,
    }
    let known: HashSet<&str> = stored
        .iter()
        .filter(|row| row.fingerprint.is_some())
        .map(|row| row.engine_id.as_str())
        .collect();
    let wanted: HashSet<&str> = images
        .iter()
        .map(|image| image.engine_id.as_str())
        .filter(|id| !known.contains(id))
        .collect();
    let wanted: Vec<&str> = wanted.into_iter().collect();
    let mut contents = HashMap::new();
    for chunk in sql::chunks(&wanted) {
        let rows: Vec<Row> = sql::all(
            tx,
            &format!(
                "SELECT engine_id, platform, fingerprint, created_at FROM image_contents WHERE engine_id IN ({})",
                sql::placeholders(0, chunk.len())
            ),
            chunk.iter().map(|id| (*id).into()).collect(),
        )
        .await?;
        contents.extend(rows.into_iter().map(|row| {
            let content = Content {
                platform: row.platform,
                fingerprint: row.fingerprint,
                created_at: row.created_at,
            };
            (row.engine_id, content)
        }));
    }
    // Rows that know themselves tell their siblings: a new tag of old content.
    for row in stored.iter().filter(|row| row.fingerprint.is_some()) {
        contents.entry(row.engine_id.clone()).or_insert_with(|| Content {
            platform: row.platform.clone(),
            fingerprint: row.fingerprint.clone(),
            created_at: row.created_at,
        });
    }
    Ok(contents)
}

async fn insert(
    tx: &impl ConnectionTrait,
    server_id: ServerId,
    new: &[Wanted<'_>],
    now: i64,
    counting: &mut Counting,
) -> Result<()> {
    let mut names: Vec<ReferenceName<'_>> = new.iter().map(|wanted| wanted.seen.into()).collect();
    names.sort_unstable();
    names.dedup();
    let ids = rows::reference_ids(tx, &names).await?;
    for chunk in sql::chunks(new) {
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 12);
        let mut rows = Vec::with_capacity(chunk.len());
        for wanted in chunk {
            let seen = wanted.seen;
            let reference_id = ids
                .get(&(seen.full_name.clone(), seen.repository.clone()))
                .copied()
                .ok_or_else(|| StoreError::Unreadable("a reference was not stored".to_owned()))?;
            counting.come(reference_id, wanted.status, wanted.in_use);
            rows.push(format!("({})", sql::placeholders(values.len(), 12)));
            values.extend([
                server_id.into(),
                reference_id.into(),
                seen.engine_id.as_str().into(),
                seen.digest.clone().into(),
                wanted.content.fingerprint.clone().into(),
                sql::signed(seen.size).into(),
                wanted.content.platform.clone().into(),
                wanted.status.as_str().into(),
                wanted.in_use.into(),
                wanted.content.created_at.into(),
                now.into(),
                now.into(),
            ]);
        }
        let insert = format!(
            "INSERT INTO images (server_id, reference_id, engine_id, digest, fingerprint, size, platform, status, \
             in_use, created_at, first_seen_at, updated_at) VALUES {}",
            rows.join(", ")
        );
        sql::run(tx, &insert, values).await?;
    }
    Ok(())
}

async fn update(
    tx: &impl ConnectionTrait,
    changed: &[(&Stored, Wanted<'_>)],
    now: i64,
    counting: &mut Counting,
) -> Result<()> {
    for chunk in sql::chunks(changed) {
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 9 + 1);
        let mut rows = Vec::with_capacity(chunk.len());
        for (row, wanted) in chunk {
            counting.gone(row.reference_id, parse_status(&row.status), row.in_use);
            counting.come(row.reference_id, wanted.status, wanted.in_use);
            rows.push(format!("({})", sql::placeholders(values.len(), 9)));
            values.extend([
                row.id.into(),
                wanted.seen.engine_id.as_str().into(),
                wanted.seen.digest.clone().into(),
                wanted.content.fingerprint.clone().into(),
                sql::signed(wanted.seen.size).into(),
                wanted.content.platform.clone().into(),
                wanted.status.as_str().into(),
                wanted.in_use.into(),
                wanted.content.created_at.into(),
            ]);
        }
        values.push(now.into());
        let update = format!(
            "WITH v (id, engine_id, digest, fingerprint, size, platform, status, in_use, created_at) AS (VALUES {}) \
             UPDATE images SET engine_id = v.engine_id, digest = v.digest, fingerprint = v.fingerprint, \
             size = v.size, platform = v.platform, status = v.status, in_use = v.in_use, created_at = v.created_at, \
             error = CASE WHEN v.status = 'AVAILABLE' THEN NULL ELSE images.error END, updated_at = ${} \
             FROM v WHERE v.id = images.id",
            rows.join(", "),
            values.len()
        );
        sql::run(tx, &update, values).await?;
    }
    Ok(())
}

/// The content is gone while a pull is to bring new one.
async fn empty(
    tx: &impl ConnectionTrait,
    emptied: &[&Stored],
    now: i64,
    counting: &mut Counting,
) -> Result<()> {
    for row in emptied {
        counting.gone(row.reference_id, ImageStatus::Pulling, row.in_use);
        counting.come(row.reference_id, ImageStatus::Pulling, false);
        sql::run(
            tx,
            "UPDATE images SET engine_id = '', digest = NULL, fingerprint = NULL, size = 0, in_use = FALSE, \
             created_at = NULL, updated_at = $1 WHERE id = $2",
            vec![now.into(), row.id.into()],
        )
        .await?;
    }
    Ok(())
}

async fn delete(tx: &impl ConnectionTrait, gone: &[&Stored], counting: &mut Counting) -> Result<()> {
    for chunk in sql::chunks(gone) {
        for row in chunk {
            counting.gone(row.reference_id, parse_status(&row.status), row.in_use);
        }
        sql::run(
            tx,
            &format!(
                "DELETE FROM images WHERE id IN ({})",
                sql::placeholders(0, chunk.len())
            ),
            chunk.iter().map(|row| row.id.into()).collect(),
        )
        .await?;
    }
    Ok(())
}
