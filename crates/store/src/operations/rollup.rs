//! What the steps mean for their operation: the only place where an operation's status is decided.

use imagefleet_model::{ErrorCode, ErrorInfo, OperationId, Status};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::{Value, json};

use super::{ended, row};
use crate::{Result, sql};

#[derive(FromQueryResult)]
struct Part {
    server_id: i64,
    server_name: String,
    image_id: Option<i64>,
    status: String,
    message: String,
    error: Option<String>,
    result: Option<String>,
}

#[derive(FromQueryResult)]
struct OperationRef {
    operation_id: String,
}

/// The operations that a step and those sharing it belong to.
pub async fn operations_of(tx: &impl ConnectionTrait, step: i64) -> Result<Vec<OperationId>> {
    let rows: Vec<OperationRef> = sql::all(
        tx,
        "SELECT DISTINCT operation_id FROM operation_steps WHERE id = $1 OR shared_with = $1",
        vec![step.into()],
    )
    .await?;
    Ok(rows.into_iter().map(|row| row.operation_id).collect())
}

/// An operation whose first step begins is running.
pub async fn started(tx: &impl ConnectionTrait, operation: &str, now: i64) -> Result<()> {
    sql::run(
        tx,
        "UPDATE operations SET status = 'running', started_at = COALESCE(started_at, $2)
         WHERE id = $1 AND status = 'queued'",
        vec![operation.into(), now.into()],
    )
    .await?;
    Ok(())
}

/// Operations that have not ended are as far as their steps are together, and so below 100; they never fall back.
pub async fn percent(tx: &impl ConnectionTrait, operations: &[&str]) -> Result<()> {
    for chunk in sql::chunks(operations) {
        let update = format!(
            "UPDATE operations SET progress = p.percent FROM
             (SELECT operation_id, CAST(SUM(progress) AS BIGINT) / COUNT(*) AS percent FROM operation_steps
              WHERE operation_id IN ({}) GROUP BY operation_id) AS p
             WHERE id = p.operation_id AND operations.progress < p.percent",
            sql::placeholders(0, chunk.len())
        );
        let ids = chunk.iter().map(|operation| (*operation).into());
        sql::run(tx, &update, ids.collect()).await?;
    }
    Ok(())
}

/// Brings the operation in line with its steps; whether it has ended by that.
pub async fn settle(tx: &impl ConnectionTrait, operation: &str, now: i64) -> Result<bool> {
    let parts: Vec<Part> = sql::all(
        tx,
        "SELECT server_id, server_name, image_id, status, message, error, result FROM operation_steps
         WHERE operation_id = $1 ORDER BY position",
        vec![operation.into()],
    )
    .await?;
    let mut statuses = Vec::with_capacity(parts.len());
    for part in &parts {
        statuses.push(row::status(&part.status)?);
    }
    let Some(status) = overall(&statuses) else {
        percent(tx, &[operation]).await?;
        return Ok(false);
    };
    let ending = Ending::of(status, &statuses, &parts)?;
    let changed = sql::run(
        tx,
        "UPDATE operations SET status = $2, message = $3, error = $4, result = $5, finished_at = $6,
            progress = CASE WHEN $2 = 'succeeded' THEN 100 ELSE progress END, announced = FALSE
         WHERE id = $1 AND finished_at IS NULL",
        vec![
            operation.into(),
            status.as_str().into(),
            ending.message.into(),
            sql::error_json(ending.error.as_ref())?.into(),
            ending.result.map(|result| result.to_string()).into(),
            now.into(),
        ],
    )
    .await?;
    if changed == 1 {
        ended::tell_audit(tx, operation, now).await?;
    }
    Ok(changed == 1)
}

/// The status of the whole; `None` while a part is still to come. Failed if any failed: the steps tell which.
fn overall(statuses: &[Status]) -> Option<Status> {
    if statuses.iter().any(|status| !status.is_final()) {
        return None;
    }
    [Status::Failed, Status::Interrupted, Status::Cancelled]
        .into_iter()
        .find(|status| statuses.contains(status))
        .or(Some(Status::Succeeded))
}

struct Ending {
    message: String,
    error: Option<ErrorInfo>,
    result: Option<Value>,
}

impl Ending {
    fn of(status: Status, statuses: &[Status], parts: &[Part]) -> Result<Self> {
        let well = statuses
            .iter()
            .filter(|status| **status == Status::Succeeded)
            .count();
        let result = match parts {
            [part] => sql::maybe_json(part.result.as_deref())?,
            _ => Some(Self::many(parts)?),
        };
        let worst = statuses
            .iter()
            .position(|other| *other == status)
            .and_then(|at| parts.get(at));
        let error = match (status, worst) {
            (Status::Succeeded, _) | (_, None) => None,
            (_, Some(part)) => Some(Self::error(status, part, well, parts.len())?),
        };
        let message = match (&error, parts) {
            (Some(error), _) => error.message.clone(),
            (None, [part]) => part.message.clone(),
            (None, parts) => format!("Done on {} of {}", well, parts.len()),
        };
        Ok(Self {
            message,
            error,
            result,
        })
    }

    fn error(status: Status, part: &Part, well: usize, all: usize) -> Result<ErrorInfo> {
        let own: Option<ErrorInfo> = sql::maybe_json(part.error.as_deref())?;
        let code = if status == Status::Cancelled {
            ErrorCode::Cancelled
        } else {
            ErrorCode::Interrupted
        };
        let mut error = own.unwrap_or_else(|| ErrorInfo {
            code: code.as_str().to_owned(),
            message: if status == Status::Cancelled {
                "Cancelled."
            } else {
                "Interrupted."
            }
            .to_owned(),
            hint: code.hint().map(ToOwned::to_owned),
        });
        if all > 1 {
            error.message = format!("{} of {all} done; {}: {}", well, part.server_name, error.message);
        }
        Ok(error)
    }

    fn many(parts: &[Part]) -> Result<Value> {
        let mut steps = Vec::with_capacity(parts.len());
        for part in parts {
            steps.push(json!({
                "serverId": part.server_id,
                "serverName": part.server_name,
                "imageId": part.image_id,
                "status": part.status,
                "result": sql::maybe_json::<Value>(part.result.as_deref())?,
            }));
        }
        Ok(json!({ "steps": steps }))
    }
}

#[cfg(test)]
mod tests {
    use imagefleet_model::Status::{Cancelled, Failed, Interrupted, Queued, Running, Succeeded};

    use super::overall;

    #[test]
    fn failed_if_any_failed_and_open_while_any_is_open() {
        assert_eq!(overall(&[Succeeded, Failed, Cancelled]), Some(Failed));
        assert_eq!(overall(&[Succeeded, Interrupted, Cancelled]), Some(Interrupted));
        assert_eq!(overall(&[Succeeded, Cancelled]), Some(Cancelled));
        assert_eq!(overall(&[Succeeded, Succeeded]), Some(Succeeded));
        assert_eq!(overall(&[Failed, Running]), None);
        assert_eq!(overall(&[Failed, Queued]), None);
    }
}
