use std::collections::BTreeSet;

use imagefleet_model::{Operation, ServerId, Timestamp};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};

use super::StoredProgress;
use super::turn::take_turn;
use crate::{Result, Store, news, sql};

/// An ended operation whose one final event is this caller's to send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Announcement {
    /// The operation in full.
    pub operation: Operation,
    /// Servers and familiar repositories that it was about; a viewer of any of them may know.
    pub subjects: Vec<(ServerId, Option<String>)>,
    /// Number of the event among those of the operation.
    pub seq: u64,
    /// When it ended.
    pub at: Timestamp,
}

/// What is to be announced of an operation that has ended, in this order.
#[derive(Debug, Clone)]
pub struct Finale {
    /// The last states that nobody has told yet.
    pub last: Vec<StoredProgress>,
    /// The end.
    pub end: Announcement,
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
    /// only with all that is to be told: who took it and then could not read the operation would keep it from everybody. Steps
    /// that ended in another program, which has not told them yet, are told before it.
    pub async fn take_announcement(&self, operation: &str) -> Result<Option<Finale>> {
        self.write(async |tx| {
            take_turn(tx).await?;
            let taken = sql::run(
                tx,
                "UPDATE operations SET announced = TRUE WHERE id = $1 AND announced = FALSE AND finished_at IS NOT NULL",
                vec![operation.into()],
            );
            if taken.await? == 0 {
                return Ok(None);
            }
            let untold = "s.operation_id = $1 AND s.untold";
            let last = self.number_where(tx, untold, vec![operation.into()]).await?;
            let number = sql::one::<Number>(
                tx,
                "UPDATE operations SET seq = seq + 1 WHERE id = $1 RETURNING seq",
                vec![operation.into()],
            );
            let (Some(number), Some(operation)) = (number.await?, self.operation_in(tx, operation).await?) else {
                return Ok(None);
            };
            let subjects: BTreeSet<_> = operation
                .steps
                .iter()
                .map(|step| (step.server_id, step.repository.clone()))
                .collect();
            let end = Announcement {
                at: operation.finished_at.unwrap_or_else(|| self.clock.now()),
                operation,
                subjects: subjects.into_iter().collect(),
                seq: sql::unsigned(number.seq),
            };
            news::tell_end(tx, &end).await?;
            Ok(Some(Finale { last, end }))
        })
        .await
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
