use std::collections::BTreeSet;

use imagefleet_model::{Operation, ServerId, Timestamp};
use sea_orm::FromQueryResult;

use crate::{Result, Store, sql};

/// An ended operation whose one final event is this caller's to send.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// The operation in full.
    pub operation: Operation,
    /// Servers and repositories it was about.
    pub subjects: Vec<(ServerId, Option<String>)>,
    /// Number of the event among those of the operation.
    pub seq: u64,
    /// When it ended.
    pub at: Timestamp,
}

#[derive(FromQueryResult)]
struct Number {
    seq: i64,
}

#[derive(FromQueryResult)]
struct Id {
    id: String,
}

impl Store {
    /// Takes the right to announce the end of an operation; `None` when it has not ended or is announced already. It is taken
    /// only with all that is to be told: who took it and then could not read the operation would keep it from everybody.
    pub async fn take_announcement(&self, operation: &str) -> Result<Option<Announcement>> {
        let taken = self.write(async |tx| {
            let number: Option<Number> = sql::one(
                tx,
                "UPDATE operations SET announced = TRUE, seq = seq + 1
                 WHERE id = $1 AND announced = FALSE AND finished_at IS NOT NULL RETURNING seq",
                vec![operation.into()],
            )
            .await?;
            let Some(number) = number else { return Ok(None) };
            Ok(self
                .operation_in(tx, operation)
                .await?
                .map(|operation| (operation, number)))
        });
        let Some((operation, number)) = taken.await? else {
            return Ok(None);
        };
        let subjects: BTreeSet<_> = operation
            .steps
            .iter()
            .map(|step| (step.server_id, step.repository.clone()))
            .collect();
        Ok(Some(Announcement {
            at: operation.finished_at.unwrap_or_else(|| self.clock.now()),
            operation,
            subjects: subjects.into_iter().collect(),
            seq: sql::unsigned(number.seq),
        }))
    }

    /// Operations that ended without being announced: their program died in between.
    pub async fn unannounced_operations(&self) -> Result<Vec<String>> {
        let rows: Vec<Id> = sql::all(
            &self.db,
            "SELECT id FROM operations WHERE announced = FALSE AND finished_at IS NOT NULL ORDER BY id LIMIT 500",
            vec![],
        )
        .await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }
}
