use imagefleet_model::{ErrorInfo, Status};
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::row;
use crate::{AuditEntry, Result, audit, sql};

#[derive(FromQueryResult)]
struct Ended {
    server_id: i64,
    server_name: String,
    repository: Option<String>,
    tag: Option<String>,
    status: String,
    message: String,
    error: Option<String>,
    title: String,
    created_by: String,
}

impl Ended {
    fn entry(self, operation: &str) -> Result<AuditEntry> {
        let error: Option<ErrorInfo> = sql::maybe_json(self.error.as_deref())?;
        let status = row::status(&self.status)?;
        let subject = match (self.repository, self.tag) {
            (Some(repository), Some(tag)) => format!("{repository}:{tag}"),
            (Some(repository), None) => repository,
            (None, _) => String::new(),
        };
        let told = error.as_ref().map_or(self.message, |error| error.message.clone());
        Ok(AuditEntry {
            username: self.created_by,
            action: "operation.end".to_owned(),
            server_id: Some(self.server_id),
            server_name: Some(self.server_name),
            subject,
            outcome: if status == Status::Succeeded {
                "ok"
            } else {
                "failed"
            }
            .to_owned(),
            code: match (error, status) {
                (Some(error), _) => Some(error.code),
                (None, Status::Succeeded) => None,
                (None, status) => Some(status.as_str().to_owned()),
            },
            detail: format!("{}: {told}", self.title),
            operation_id: Some(operation.to_owned()),
            ..AuditEntry::default()
        })
    }
}

/// Writes into the audit log how the steps of an operation ended, those that it does not know of yet.
pub async fn tell_audit(tx: &impl ConnectionTrait, operation: &str, now: i64) -> Result<()> {
    let ended: Vec<Ended> = sql::all(
        tx,
        "SELECT s.server_id, s.server_name, s.repository, s.tag, s.status, s.message, s.error, o.title, o.created_by
         FROM operation_steps s JOIN operations o ON o.id = s.operation_id
         WHERE s.operation_id = $1 AND s.audited = FALSE ORDER BY s.position",
        vec![operation.into()],
    )
    .await?;
    for step in ended {
        audit::insert(tx, &step.entry(operation)?, now).await?;
    }
    sql::run(
        tx,
        "UPDATE operation_steps SET audited = TRUE WHERE operation_id = $1 AND audited = FALSE",
        vec![operation.into()],
    )
    .await?;
    Ok(())
}
