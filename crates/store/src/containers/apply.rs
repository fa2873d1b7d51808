use std::collections::{HashMap, HashSet};

use imagefleet_model::{ImageStatus, ServerId, Timestamp};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use crate::inventory::{Counting, SeenContainer, UNKNOWN_REPOSITORY, container_name, take_turn};
use crate::{Result, Store, sql};

/// A container that is new, gone, or in another state than at the last look.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ContainerChange {
    /// Row id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Familiar repository of its image: who may hear of it.
    pub repository: String,
    /// `running`, `exited`, …, and `removed` when it is gone.
    pub state: String,
    /// The engine's line, "Up 3 minutes (healthy)".
    pub status: String,
}

/// What a look at a server's containers changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerChanges {
    /// Rows that were written or went: also those where only the engine's line differs.
    pub rows: u64,
    /// Containers whose state is another.
    pub states: Vec<ContainerChange>,
}

/// What the state of a container that is gone is called.
pub const REMOVED: &str = "removed";

#[derive(Debug, PartialEq, Eq, FromQueryResult)]
struct Stored {
    id: i64,
    engine_id: String,
    name: String,
    image: String,
    image_name: String,
    repository: String,
    image_engine_id: String,
    state: String,
    status: String,
    ports: String,
    created_at: Option<i64>,
    updated_at: i64,
}

impl Stored {
    /// Whether people would say that something happened: not when it only got a minute older.
    fn is_in_another_state(&self, now: &Self) -> bool {
        self.state != now.state || self.name != now.name || health(&self.status) != health(&now.status)
    }

    fn change(&self, id: i64, state: &str) -> ContainerChange {
        ContainerChange {
            id,
            name: self.name.clone(),
            repository: self.repository.clone(),
            state: state.to_owned(),
            status: if state == REMOVED {
                String::new()
            } else {
                self.status.clone()
            },
        }
    }
}

/// `healthy` of "Up 3 minutes (healthy)".
fn health(status: &str) -> Option<&str> {
    status
        .strip_prefix("Up ")?
        .split_once('(')
        .map(|(_, health)| health)
}

impl Store {
    /// Makes the stored containers of a server what its engine told at `asked_at`, and with them which images are in
    /// use; what that changed.
    pub async fn apply_containers(
        &self,
        server_id: ServerId,
        asked_at: Timestamp,
        containers: &[SeenContainer],
    ) -> Result<ContainerChanges> {
        let now = self.now_ms();
        self.write(async |tx| {
            let stored: Vec<Stored> = sql::all(
                tx,
                "SELECT id, engine_id, name, image, image_name, repository, image_engine_id, state, status, ports, \
                 created_at, updated_at FROM containers WHERE server_id = $1",
                vec![server_id.into()],
            )
            .await?;
            let repositories = repositories(tx, server_id, containers).await?;
            let mut old: HashMap<&str, &Stored> =
                stored.iter().map(|row| (row.engine_id.as_str(), row)).collect();
            let mut written = Vec::new();
            let mut states = Vec::new();
            for seen in containers {
                let row = old.remove(seen.engine_id.as_str());
                let wanted = wanted(seen, row, &repositories)?;
                if row.is_none_or(|row| row.updated_at <= asked_at.timestamp_millis() && *row != wanted) {
                    if row.is_none_or(|row| row.is_in_another_state(&wanted)) {
                        states.push(written.len());
                    }
                    written.push(wanted);
                }
            }
            let gone: Vec<&Stored> = old
                .into_values()
                .filter(|row| row.updated_at <= asked_at.timestamp_millis())
                .collect();
            let ids = upsert(tx, server_id, &written, now).await?;
            let gone_ids: Vec<i64> = gone.iter().map(|row| row.id).collect();
            delete(tx, &gone_ids).await?;
            let rows = (written.len() + gone.len()) as u64;
            if rows > 0 {
                take_turn(tx).await?;
                mark_used(tx, server_id, now).await?;
            }
            let changed = states.into_iter().filter_map(|at| {
                let row: &Stored = written.get(at)?;
                Some(row.change(*ids.get(&row.engine_id)?, &row.state))
            });
            let removed = gone.into_iter().map(|row| row.change(row.id, REMOVED));
            Ok(ContainerChanges { rows, states: changed.chain(removed).collect() })
        })
        .await
    }

    /// Forgets a container that was removed; its image may be unused now.
    pub async fn remove_container_row(&self, id: i64) -> Result<bool> {
        let now = self.now_ms();
        self.write(async |tx| {
            #[derive(FromQueryResult)]
            struct Row {
                server_id: i64,
            }
            let row: Option<Row> = sql::one(
                tx,
                "DELETE FROM containers WHERE id = $1 RETURNING server_id",
                vec![id.into()],
            )
            .await?;
            let Some(row) = row else {
                return Ok(false);
            };
            take_turn(tx).await?;
            mark_used(tx, row.server_id, now).await?;
            Ok(true)
        })
        .await
    }
}

fn wanted(
    seen: &SeenContainer,
    row: Option<&Stored>,
    repositories: &HashMap<String, String>,
) -> Result<Stored> {
    let (image_name, repository) = container_name(&seen.image).unwrap_or_else(|| {
        // An image that lost its tag: the container keeps the repository that it was known under.
        let repository = repositories
            .get(&seen.image_engine_id)
            .or_else(|| row.map(|row| &row.repository));
        let repository = repository.map_or(UNKNOWN_REPOSITORY, String::as_str);
        (seen.image.clone(), repository.to_owned())
    });
    Ok(Stored {
        id: row.map_or(0, |row| row.id),
        engine_id: seen.engine_id.clone(),
        name: seen.name.clone(),
        image: seen.image.clone(),
        image_name,
        repository,
        image_engine_id: seen.image_engine_id.clone(),
        state: seen.state.clone(),
        status: seen.status.clone(),
        ports: sql::json(&seen.ports)?,
        created_at: seen.created_at.map(|at| at.timestamp_millis()),
        updated_at: row.map_or(0, |row| row.updated_at),
    })
}

/// Repositories of the images that containers name by id alone.
async fn repositories(
    tx: &impl ConnectionTrait,
    server_id: ServerId,
    containers: &[SeenContainer],
) -> Result<HashMap<String, String>> {
    #[derive(FromQueryResult)]
    struct Row {
        engine_id: String,
        repository: String,
    }
    let ids: HashSet<&str> = containers
        .iter()
        .filter(|seen| container_name(&seen.image).is_none())
        .map(|seen| seen.image_engine_id.as_str())
        .collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut found = HashMap::new();
    for chunk in sql::chunks(&ids) {
        let mut values: Vec<Value> = vec![server_id.into()];
        values.extend(chunk.iter().map(|id| Value::from(*id)));
        let rows: Vec<Row> = sql::all(
            tx,
            &format!(
                "SELECT i.engine_id, MIN(r.repository) AS repository FROM images i \
                 JOIN image_references r ON r.id = i.reference_id \
                 WHERE i.server_id = $1 AND i.engine_id IN ({}) GROUP BY i.engine_id",
                sql::placeholders(1, chunk.len())
            ),
            values,
        )
        .await?;
        found.extend(rows.into_iter().map(|row| (row.engine_id, row.repository)));
    }
    Ok(found)
}

async fn upsert(
    tx: &impl ConnectionTrait,
    server_id: ServerId,
    rows: &[Stored],
    now: i64,
) -> Result<HashMap<String, i64>> {
    #[derive(FromQueryResult)]
    struct Written {
        id: i64,
        engine_id: String,
    }
    let mut ids = HashMap::with_capacity(rows.len());
    for chunk in sql::chunks(rows) {
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 12);
        let mut tuples = Vec::with_capacity(chunk.len());
        for row in chunk {
            tuples.push(format!("({})", sql::placeholders(values.len(), 12)));
            values.extend([
                server_id.into(),
                row.engine_id.as_str().into(),
                row.name.as_str().into(),
                row.image.as_str().into(),
                row.image_name.as_str().into(),
                row.repository.as_str().into(),
                row.image_engine_id.as_str().into(),
                row.state.as_str().into(),
                row.status.as_str().into(),
                row.ports.as_str().into(),
                row.created_at.into(),
                now.into(),
            ]);
        }
        let insert = format!(
            "INSERT INTO containers (server_id, engine_id, name, image, image_name, repository, image_engine_id, \
             state, status, ports, created_at, updated_at) VALUES {} ON CONFLICT (server_id, engine_id) DO UPDATE SET \
             name = excluded.name, image = excluded.image, image_name = excluded.image_name, \
             repository = excluded.repository, image_engine_id = excluded.image_engine_id, state = excluded.state, \
             status = excluded.status, ports = excluded.ports, created_at = excluded.created_at, \
             updated_at = excluded.updated_at RETURNING id, engine_id",
            tuples.join(", ")
        );
        let written: Vec<Written> = sql::all(tx, &insert, values).await?;
        ids.extend(written.into_iter().map(|row| (row.engine_id, row.id)));
    }
    Ok(ids)
}

async fn delete(tx: &impl ConnectionTrait, ids: &[i64]) -> Result<()> {
    for chunk in sql::chunks(ids) {
        sql::run(
            tx,
            &format!(
                "DELETE FROM containers WHERE id IN ({})",
                sql::placeholders(0, chunk.len())
            ),
            chunk.iter().map(|id| (*id).into()).collect(),
        )
        .await?;
    }
    Ok(())
}

/// Which images of a server are in use, where that is not what their rows say.
async fn mark_used(tx: &impl ConnectionTrait, server_id: ServerId, now: i64) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Row {
        reference_id: i64,
        status: String,
        in_use: bool,
    }
    const USED: &str = "EXISTS (SELECT 1 FROM containers c \
         WHERE c.server_id = images.server_id AND c.image_engine_id = images.engine_id)";
    let changed: Vec<Row> = sql::all(
        tx,
        &format!(
            "UPDATE images SET in_use = NOT in_use, updated_at = $2 \
             WHERE server_id = $1 AND in_use <> {USED} RETURNING reference_id, status, in_use"
        ),
        vec![server_id.into(), now.into()],
    )
    .await?;
    if changed.is_empty() {
        return Ok(());
    }
    let mut counting = Counting::default();
    for row in changed {
        let status = ImageStatus::from_word(&row.status).unwrap_or(ImageStatus::Available);
        counting.gone(row.reference_id, status, !row.in_use);
        counting.come(row.reference_id, status, row.in_use);
    }
    counting.store(tx, server_id).await
}
