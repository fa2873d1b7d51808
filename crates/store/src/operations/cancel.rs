use imagefleet_model::{ErrorCode, Failure};
use sea_orm::FromQueryResult;

use super::turn::take_turn;
use super::{Cancelled, Settled, StepOutcome, finish, rollup};
use crate::{Result, Store, StoreError, sql};

#[derive(FromQueryResult)]
struct Open {
    id: i64,
    status: String,
    shared_with: Option<i64>,
}

impl Store {
    /// Cancels an operation: what waits ends at once, what shares another's work leaves it, and what runs is to be
    /// stopped by its worker, which sees the wish here or at its next renewal.
    pub async fn cancel_operation(&self, operation: &str) -> Result<Cancelled> {
        let now = self.now_ms();
        let (running, settled) = self
            .write(async |tx| {
                take_turn(tx).await?;
                let asked = sql::run(
                    tx,
                    "UPDATE operations SET cancel_requested = TRUE WHERE id = $1 AND finished_at IS NULL",
                    vec![operation.into()],
                )
                .await?;
                if asked == 0 {
                    return Err(StoreError::Refused(Failure::new(
                        ErrorCode::OperationEnded,
                        "The operation has ended already.",
                    )));
                }
                let open: Vec<Open> = sql::all(
                    tx,
                    "SELECT id, status, shared_with FROM operation_steps
                     WHERE operation_id = $1 AND status IN ('queued', 'running') ORDER BY position",
                    vec![operation.into()],
                )
                .await?;
                let mut running = Vec::new();
                let mut settled = Settled::default();
                for step in open {
                    if step.status == "running" && step.shared_with.is_none() {
                        running.push(step.id);
                        continue;
                    }
                    let mut values = vec![step.id.into()];
                    let assignments = finish::ended_columns(&StepOutcome::Cancelled, now, &mut values)?;
                    sql::run(
                        tx,
                        &format!("UPDATE operation_steps SET {assignments} WHERE id = $1"),
                        values,
                    )
                    .await?;
                    settled.steps.push(step.id);
                    settled
                        .steps
                        .extend(finish::followers(tx, step.id, &StepOutcome::Cancelled, now).await?);
                }
                if rollup::settle(tx, operation, now).await? {
                    settled.ended.push(operation.to_owned());
                }
                Ok((running, settled))
            })
            .await?;
        Ok(Cancelled {
            operation: self.existing_operation(operation).await?,
            running,
            settled,
        })
    }
}
