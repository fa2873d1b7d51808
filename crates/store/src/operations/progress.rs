use imagefleet_model::{OperationId, OperationKind, Progress, Status, Step, Timestamp};
use sea_orm::FromQueryResult;

use super::rollup;
use super::row::{self, STEP, StepRow};
use super::turn::take_turn;
use crate::{Result, Store, sql};

/// The latest progress of a running step.
#[derive(Debug, Clone)]
pub struct ProgressUpdate {
    /// The step.
    pub step: i64,
    /// Where it is.
    pub progress: Progress,
}

/// A step after its progress was stored, with the number of its event.
#[derive(Debug, Clone)]
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
    seq: i64,
    kind: String,
    title: String,
    request: String,
}

impl Store {
    /// Stores the latest progress of running steps, and of those sharing them, in one transaction.
    pub async fn save_progress(&self, updates: &[ProgressUpdate]) -> Result<Vec<StoredProgress>> {
        let now = self.now_ms();
        self.write(async |tx| {
            take_turn(tx).await?;
            let mut stored = Vec::with_capacity(updates.len());
            for update in updates {
                let progress = &update.progress;
                let layers = if progress.layers.is_empty() { None } else { Some(sql::json(&progress.layers)?) };
                let rows: Vec<StepRow> = sql::all(
                    tx,
                    &format!(
                        "UPDATE operation_steps SET progress = CASE WHEN progress > $2 THEN progress ELSE $2 END,
                         message = $3, bytes_done = $4, bytes_total = $5, bytes_per_second = $6, layers = $7
                         WHERE (id = $1 OR shared_with = $1) AND status = 'running' RETURNING {}",
                        row::step_returned()
                    ),
                    vec![
                        update.step.into(),
                        i64::from(progress.percent.min(99)).into(),
                        progress.message.clone().into(),
                        sql::signed(progress.bytes_done).into(),
                        progress.bytes_total.map(sql::signed).into(),
                        progress.bytes_per_second.map(sql::signed).into(),
                        layers.into(),
                    ],
                )
                .await?;
                for row in rows {
                    stored.extend(number(tx, row, now).await?);
                }
            }
            let mut operations: Vec<&OperationId> = stored.iter().map(|stored| &stored.operation_id).collect();
            operations.sort_unstable();
            operations.dedup();
            for operation in operations {
                rollup::percent(tx, operation).await?;
            }
            Ok(stored)
        })
        .await
    }

    /// The steps as they stand, each with the number of one more event: the last state that is sent of them.
    pub async fn number_steps(&self, steps: &[i64]) -> Result<Vec<StoredProgress>> {
        let now = self.now_ms();
        self.write(async |tx| {
            take_turn(tx).await?;
            let mut stored = Vec::with_capacity(steps.len());
            for step in steps {
                let found: Option<StepRow> = sql::one(
                    tx,
                    &format!("SELECT {STEP} FROM operation_steps s WHERE s.id = $1"),
                    vec![(*step).into()],
                )
                .await?;
                if let Some(found) = found {
                    stored.extend(number(tx, found, now).await?);
                }
            }
            let mut queued: Vec<&mut Step> = stored
                .iter_mut()
                .map(|stored| &mut stored.step)
                .filter(|step| step.status == Status::Queued)
                .collect();
            self.explain_waiting(tx, &mut queued).await?;
            Ok(stored)
        })
        .await
    }
}

async fn number(
    tx: &impl sea_orm::ConnectionTrait,
    row: StepRow,
    now: i64,
) -> Result<Option<StoredProgress>> {
    let head: Option<Numbered> = sql::one(
        tx,
        "UPDATE operations SET seq = seq + 1 WHERE id = $1 RETURNING seq, kind, title, request",
        vec![row.operation_id.clone().into()],
    )
    .await?;
    let Some(head) = head else { return Ok(None) };
    Ok(Some(StoredProgress {
        operation_id: row.operation_id.clone(),
        kind: row::kind(&head.kind)?,
        title: head.title,
        also: row::also(&head.request)?,
        seq: sql::unsigned(head.seq),
        at: sql::time(now),
        step: row.into_step()?,
    }))
}
