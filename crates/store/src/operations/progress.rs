use std::collections::{BTreeMap, HashMap};

use imagefleet_model::{ImageId, OperationId, OperationKind, Progress, Status, Step, Timestamp};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::{Deserialize, Serialize};

use super::rollup;
use super::row::{self, STEP, StepRow};
use super::turn::take_turn;
use crate::{Result, Store, news, sql};

/// The latest progress of a running step.
#[derive(Debug, Clone)]
pub struct ProgressUpdate {
    /// The step.
    pub step: i64,
    /// Where it is.
    pub progress: Progress,
}

/// A step after its progress was stored, with the number of its event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredProgress {
    /// The operation it belongs to.
    pub operation_id: OperationId,
    /// That operation's kind.
    pub kind: OperationKind,
    /// That operation's title.
    pub title: String,
    /// What its words name beside what the step is about.
    pub also: Vec<(i64, String)>,
    /// The step as it can be read now.
    pub step: Step,
    /// Number of the event among those of the operation.
    pub seq: u64,
    /// When it was stored.
    pub at: Timestamp,
}

#[derive(FromQueryResult)]
struct Numbered {
    id: String,
    seq: i64,
    kind: String,
    title: String,
    request: String,
}

impl Store {
    /// Stores the latest progress of running steps, and of those sharing them, in one transaction of a few statements,
    /// however many steps there are. It is numbered, and told where the store is shared.
    pub async fn save_progress(&self, updates: &[ProgressUpdate]) -> Result<Vec<StoredProgress>> {
        self.write(async |tx| {
            take_turn(tx).await?;
            let rows = write_all(tx, updates).await?;
            let stored = number(tx, rows, self.clock.now()).await?;
            news::tell_progress(tx, &stored).await?;
            Ok(stored)
        })
        .await
    }

    /// Stores the latest progress of steps that are about to end: their end is told, and this with it.
    pub async fn keep_progress(&self, updates: &[ProgressUpdate]) -> Result<()> {
        self.write(async |tx| {
            take_turn(tx).await?;
            write_all(tx, updates).await.map(drop)
        })
        .await
    }

    /// A step, and those that share it, work on another image row than planned from now on.
    pub async fn set_step_image(&self, step: i64, image: ImageId) -> Result<()> {
        self.write(async |tx| {
            sql::run(
                tx,
                "UPDATE operation_steps SET image_id = $2 WHERE id = $1 OR shared_with = $1",
                vec![step.into(), image.into()],
            )
            .await
        })
        .await?;
        Ok(())
    }

    /// The steps as they stand, each with the number of one more event: the last state that is sent of them. Those whose end has been
    /// told already are left out.
    pub async fn number_steps(&self, steps: &[i64]) -> Result<Vec<StoredProgress>> {
        self.write(async |tx| {
            take_turn(tx).await?;
            let these = format!(
                "s.id IN ({}) AND (s.untold OR s.status IN ('queued', 'running'))",
                sql::numbers(steps)
            );
            self.number_where(tx, &these, vec![]).await
        })
        .await
    }

    /// Numbers and tells steps as they stand.
    pub(super) async fn number_where(
        &self,
        tx: &impl ConnectionTrait,
        condition: &str,
        values: Vec<Value>,
    ) -> Result<Vec<StoredProgress>> {
        let query = format!("SELECT {STEP} FROM operation_steps s WHERE {condition} ORDER BY s.id");
        let found: Vec<StepRow> = sql::all(tx, &query, values).await?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<i64> = found.iter().map(|row| row.id).collect();
        let told = format!(
            "UPDATE operation_steps SET untold = FALSE WHERE untold AND id IN ({})",
            sql::numbers(&ids)
        );
        sql::run(tx, &told, vec![]).await?;
        let mut stored = number(tx, found, self.clock.now()).await?;
        let mut queued: Vec<&mut Step> = stored
            .iter_mut()
            .map(|stored| &mut stored.step)
            .filter(|step| step.status == Status::Queued)
            .collect();
        self.explain_waiting(tx, &mut queued).await?;
        news::tell_progress(tx, &stored).await?;
        Ok(stored)
    }
}

/// Writes these, and how far that is of their operations; the running steps as they are then.
async fn write_all(tx: &impl ConnectionTrait, updates: &[ProgressUpdate]) -> Result<Vec<StepRow>> {
    let mut rows: Vec<StepRow> = Vec::with_capacity(updates.len());
    for chunk in sql::chunks(updates) {
        rows.extend(write(tx, chunk).await?);
    }
    let mut operations: Vec<&str> = rows.iter().map(|row| row.operation_id.as_str()).collect();
    operations.sort_unstable();
    operations.dedup();
    rollup::percent(tx, &operations).await?;
    Ok(rows)
}

async fn write(tx: &impl ConnectionTrait, updates: &[ProgressUpdate]) -> Result<Vec<StepRow>> {
    let mut values: Vec<Value> = Vec::with_capacity(updates.len() * 7);
    let mut lines = Vec::with_capacity(updates.len());
    for ProgressUpdate { step, progress } in updates {
        let layers = (!progress.layers.is_empty()).then(|| sql::json(&progress.layers));
        lines.push(format!("({})", sql::placeholders(values.len(), 7)));
        values.extend([
            (*step).into(),
            i64::from(progress.percent.min(99)).into(),
            progress.message.clone().into(),
            sql::signed(progress.bytes_done).into(),
            progress.bytes_total.map(sql::signed).into(),
            progress.bytes_per_second.map(sql::signed).into(),
            layers.transpose()?.into(),
        ]);
    }
    let update = format!(
        "WITH v (v_step, v_progress, v_message, v_done, v_total, v_speed, v_layers) AS (VALUES {})
         UPDATE operation_steps SET progress = CASE WHEN progress > v_progress THEN progress ELSE v_progress END,
         message = v_message, bytes_done = v_done, bytes_total = v_total, bytes_per_second = v_speed, layers = v_layers
         FROM v WHERE (id = v_step OR shared_with = v_step) AND status = 'running' RETURNING {}",
        lines.join(", "),
        row::step_returned()
    );
    let mut rows: Vec<StepRow> = sql::all(tx, &update, values).await?;
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

/// Gives each of these steps the number of one more event of its operation, in this order.
async fn number(tx: &impl ConnectionTrait, rows: Vec<StepRow>, at: Timestamp) -> Result<Vec<StoredProgress>> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for row in &rows {
        *counts.entry(&row.operation_id).or_default() += 1;
    }
    let counts: Vec<(String, i64)> = counts
        .into_iter()
        .map(|(operation, count)| (operation.to_owned(), count))
        .collect();
    let mut heads: HashMap<OperationId, Head> = HashMap::with_capacity(counts.len());
    for chunk in sql::chunks(&counts) {
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 2);
        let mut lines = Vec::with_capacity(chunk.len());
        for (operation, count) in chunk {
            lines.push(format!("({})", sql::placeholders(values.len(), 2)));
            values.extend([operation.clone().into(), (*count).into()]);
        }
        let update = format!(
            "WITH v (v_operation, v_count) AS (VALUES {}) UPDATE operations SET seq = seq + v_count \
             FROM v WHERE id = v_operation RETURNING id, seq, kind, title, request",
            lines.join(", ")
        );
        let numbered: Vec<Numbered> = sql::all(tx, &update, values).await?;
        for numbered in numbered {
            heads.insert(numbered.id.clone(), Head::new(numbered)?);
        }
    }
    let mut stored = Vec::with_capacity(rows.len());
    // The database tells the last number of each operation.
    for row in rows.into_iter().rev() {
        let Some(head) = heads.get_mut(&row.operation_id) else {
            continue;
        };
        stored.push(StoredProgress {
            operation_id: row.operation_id.clone(),
            kind: head.kind,
            title: head.title.clone(),
            also: head.also.clone(),
            seq: sql::unsigned(head.seq),
            at,
            step: row.into_step()?,
        });
        head.seq -= 1;
    }
    stored.reverse();
    Ok(stored)
}

/// What the events of an operation's steps share.
struct Head {
    /// The number of the last event that has none yet.
    seq: i64,
    kind: OperationKind,
    title: String,
    also: Vec<(i64, String)>,
}

impl Head {
    fn new(numbered: Numbered) -> Result<Self> {
        Ok(Self {
            seq: numbered.seq,
            kind: row::kind(&numbered.kind)?,
            title: numbered.title,
            also: row::also(&numbered.request)?,
        })
    }
}
