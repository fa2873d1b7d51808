use chrono::{DateTime, Utc};
use imagefleet_store::AuditEntry;
use serde::Serialize;

/// One line of the audit log: who, when, from where, what, on which server and image, and how it went.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
pub struct AuditEntryView {
    /// Row id; grows with time.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who; for a failed login the name that was tried.
    pub username: String,
    /// From where.
    pub address: String,
    /// What, as `noun.verb`, or method and route.
    pub action: String,
    /// On which server.
    pub server_id: Option<i64>,
    /// Its name then.
    pub server_name: Option<String>,
    /// On what.
    pub subject: String,
    /// `ok`, `refused` or `failed`.
    pub outcome: String,
    /// The problem's code when it did not go well.
    pub code: Option<String>,
    /// More for people.
    pub detail: String,
    /// The operation that it began.
    pub operation_id: Option<String>,
    /// The request, as the log names it.
    pub request_id: Option<String>,
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            username: entry.username,
            address: entry.address,
            action: entry.action,
            server_id: entry.server_id,
            server_name: entry.server_name,
            subject: entry.subject,
            outcome: entry.outcome,
            code: entry.code,
            detail: entry.detail,
            operation_id: entry.operation_id,
            request_id: entry.request_id,
        }
    }
}
