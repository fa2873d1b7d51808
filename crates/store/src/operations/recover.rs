use sea_orm::{ConnectionTrait, FromQueryResult};

use super::turn::take_turn;
use super::{Settled, StepOutcome, finish, rollup};
use crate::{Result, Store, sql};

#[derive(FromQueryResult)]
struct Lost {
    id: i64,
    operation_id: String,
}

impl Store {
    /// Ends, as interrupted, every running step whose lease is over: its worker is gone. Those that are known to run are
    /// left alone, whatever a clock that has jumped says of their leases.
    pub async fn interrupt_expired(&self, known_to_run: &[i64]) -> Result<Settled> {
        let now = self.lease_now(&self.db).await?;
        let over = "lease_until < $1";
        let condition = if known_to_run.is_empty() {
            over.to_owned()
        } else {
            format!("{over} AND id NOT IN ({})", sql::numbers(known_to_run))
        };
        self.interrupt(&condition, vec![now.into()]).await
    }

    /// Ends, as interrupted, everything that ran when the last program on this `SQLite` died: none can be alive.
    pub async fn interrupt_orphans(&self) -> Result<Settled> {
        if self.is_sqlite() {
            self.interrupt("TRUE", vec![]).await
        } else {
            self.interrupt_expired(&[]).await
        }
    }

    async fn interrupt(&self, condition: &str, values: Vec<sea_orm::Value>) -> Result<Settled> {
        let now = self.now_ms();
        let query = format!(
            "SELECT id, operation_id FROM operation_steps
             WHERE status = 'running' AND shared_with IS NULL AND {condition} ORDER BY id"
        );
        self.write(async |tx| {
            take_turn(tx).await?;
            let lost: Vec<Lost> = sql::all(tx, &query, values).await?;
            let mut settled = Settled::default();
            for step in lost {
                let operations = rollup::operations_of(tx, step.id).await?;
                let mut values = vec![step.id.into()];
                let assignments = finish::ended_columns(&StepOutcome::Interrupted, now, &mut values)?;
                sql::run(
                    tx,
                    &format!("UPDATE operation_steps SET {assignments} WHERE id = $1"),
                    values,
                )
                .await?;
                settled.steps.push(step.id);
                settled
                    .steps
                    .extend(finish::followers(tx, step.id, &StepOutcome::Interrupted, now).await?);
                debug_assert!(operations.contains(&step.operation_id));
                settle_all(tx, operations, now, &mut settled).await?;
            }
            Ok(settled)
        })
        .await
    }
}

async fn settle_all(
    tx: &impl ConnectionTrait,
    operations: Vec<String>,
    now: i64,
    settled: &mut Settled,
) -> Result<()> {
    for operation in operations {
        if rollup::settle(tx, &operation, now).await? {
            settled.ended.push(operation);
        }
    }
    Ok(())
}
