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
struct Subject {
    server_id: i64,
    repository: Option<String>,
}

#[derive(FromQueryResult)]
struct Id {
    id: String,
}

impl Store {
    /// Takes the right to announce the end of an operation; `None` when it has not ended or is announced already.
    pub async fn take_announcement(&self, operation: &str) -> Result<Option<Announcement>> {
        let number: Option<Number> = self
            .write(async |tx| {
                sql::one(
                    tx,
                    "UPDATE operations SET announced = TRUE, seq = seq + 1
                     WHERE id = $1 AND announced = FALSE AND finished_at IS NOT NULL RETURNING seq",
                    vec![operation.into()],
                )
                .await
            })
            .await?;
        let Some(number) = number else { return Ok(None) };
        let subjects: Vec<Subject> = sql::all(
            &self.db,
            "SELECT DISTINCT server_id, repository FROM operation_steps WHERE operation_id = $1",
            vec![operation.into()],
        )
        .await?;
        let operation = self.existing_operation(operation).await?;
        Ok(Some(Announcement {
            at: operation.finished_at.unwrap_or_else(|| self.clock.now()),
            operation,
            subjects: subjects
                .into_iter()
                .map(|row| (row.server_id, row.repository))
                .collect(),
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
