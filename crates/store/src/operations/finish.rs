use imagefleet_model::{ErrorCode, ErrorInfo, Failure};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::turn::take_turn;
use super::{Settled, StepOutcome, final_word, rollup};
use crate::{Result, Store, sql};

#[derive(FromQueryResult)]
struct StepId {
    id: i64,
}

impl Store {
    /// Ends a run of a step that `worker` holds, and everything that follows from it, in one transaction. Nothing
    /// changes when the lease was lost meanwhile: somebody else has decided already.
    pub async fn finish_step(&self, step: i64, worker: &str, outcome: &StepOutcome) -> Result<Settled> {
        let now = self.now_ms();
        self.write(async |tx| {
            take_turn(tx).await?;
            let operations = rollup::operations_of(tx, step).await?;
            if !end_one(tx, step, worker, outcome, now).await? {
                return Ok(Settled::default());
            }
            let mut steps = vec![step];
            steps.extend(followers(tx, step, outcome, now).await?);
            let mut ended = Vec::new();
            for operation in operations {
                if rollup::settle(tx, &operation, now).await? {
                    ended.push(operation);
                }
            }
            Ok(Settled { ended, steps })
        })
        .await
    }
}

async fn end_one(
    tx: &impl ConnectionTrait,
    step: i64,
    worker: &str,
    outcome: &StepOutcome,
    now: i64,
) -> Result<bool> {
    let mut values = vec![step.into(), worker.into()];
    let assignments = ended_columns(outcome, now, &mut values)?;
    let sql_text = format!(
        "UPDATE operation_steps SET {assignments} WHERE id = $1 AND worker = $2 AND status = 'running'"
    );
    Ok(sql::run(tx, &sql_text, values).await? == 1)
}

/// `SET …` for an outcome; its values follow those already there.
pub fn ended_columns(outcome: &StepOutcome, now: i64, values: &mut Vec<Value>) -> Result<String> {
    let mut column = |value: Value| {
        values.push(value);
        values.len()
    };
    let Some(status) = final_word(outcome) else {
        let StepOutcome::Again(error, delay_ms) = outcome else {
            // Handed over: that run does not count.
            return Ok(
                "status = 'queued', worker = NULL, lease_until = NULL, bytes_per_second = NULL, \
                       attempt = attempt - 1"
                    .to_owned(),
            );
        };
        let at = column((now + delay_ms).into());
        // Why; until when is told to who reads it.
        let message = column(error.message.clone().into());
        return Ok(format!(
            "status = 'queued', worker = NULL, lease_until = NULL, bytes_per_second = NULL, not_before = ${at},
             message = ${message}"
        ));
    };
    let (message, error, result) = match outcome {
        StepOutcome::Succeeded(message, result) => (message.clone(), None, Some(result.to_string())),
        StepOutcome::Failed(error) => (error.message.clone(), Some(error.clone()), None),
        StepOutcome::Cancelled => plain(ErrorCode::Cancelled, "Cancelled."),
        StepOutcome::Interrupted | StepOutcome::Again(..) | StepOutcome::HandedOver => {
            plain(ErrorCode::Interrupted, "The program ended in the middle of it.")
        }
    };
    let progress = if result.is_some() { "100" } else { "progress" };
    let status = column(status.as_str().into());
    let message = column(message.into());
    let error = column(sql::error_json(error.as_ref())?.into());
    let result = column(result.into());
    let at = column(now.into());
    Ok(format!(
        "status = ${status}, message = ${message}, error = ${error}, result = COALESCE(${result}, result), progress = {progress},
         bytes_per_second = NULL, worker = NULL, lease_until = NULL, shared_with = NULL, finished_at = ${at}, untold = TRUE"
    ))
}

fn plain(code: ErrorCode, message: &str) -> (String, Option<ErrorInfo>, Option<String>) {
    (message.to_owned(), Some(Failure::new(code, message).info()), None)
}

/// Steps that share an ended one end with it; when it was cancelled or interrupted, the oldest takes its place.
pub async fn followers(
    tx: &impl ConnectionTrait,
    step: i64,
    outcome: &StepOutcome,
    now: i64,
) -> Result<Vec<i64>> {
    let rows: Vec<StepId> = sql::all(
        tx,
        "SELECT id FROM operation_steps WHERE shared_with = $1 AND status IN ('queued', 'running') ORDER BY id",
        vec![step.into()],
    )
    .await?;
    let ids: Vec<i64> = rows.into_iter().map(|row| row.id).collect();
    let Some((first, others)) = ids.split_first() else {
        return Ok(ids);
    };
    match outcome {
        StepOutcome::Succeeded(..) | StepOutcome::Failed(_) => {
            for id in &ids {
                let mut values = vec![(*id).into()];
                let assignments = ended_columns(outcome, now, &mut values)?;
                sql::run(
                    tx,
                    &format!("UPDATE operation_steps SET {assignments} WHERE id = $1"),
                    values,
                )
                .await?;
            }
        }
        StepOutcome::Again(..) | StepOutcome::HandedOver => {
            sql::run(
                tx,
                "UPDATE operation_steps SET status = 'queued', worker = NULL, lease_until = NULL WHERE shared_with = $1",
                vec![step.into()],
            )
            .await?;
        }
        StepOutcome::Cancelled | StepOutcome::Interrupted => {
            sql::run(
                tx,
                "UPDATE operation_steps SET status = 'queued', worker = NULL, lease_until = NULL, shared_with = NULL
                 WHERE id = $1",
                vec![(*first).into()],
            )
            .await?;
            for id in others {
                sql::run(
                    tx,
                    "UPDATE operation_steps SET status = 'queued', worker = NULL, lease_until = NULL, shared_with = $2
                     WHERE id = $1",
                    vec![(*id).into(), (*first).into()],
                )
                .await?;
            }
        }
    }
    Ok(ids)
}
