use chrono::{DateTime, Utc};
use imagefleet_store::AuditFilter;
use serde::Deserialize;

use crate::Problem;

/// Which lines.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Part of the action, subject, detail, user or server name, in any case.
    q: Option<String>,
    /// Exactly this user.
    username: Option<String>,
    /// Exactly this action, such as `image.pull`.
    action: Option<String>,
    /// About this server.
    server_id: Option<i64>,
    /// `ok`, `refused` or `failed`.
    outcome: Option<String>,
    /// From this moment on.
    from: Option<DateTime<Utc>>,
    /// Before this moment.
    to: Option<DateTime<Utc>>,
}

impl Filter {
    /// The filter, checked.
    pub fn filter(self) -> Result<AuditFilter, Problem> {
        if let Some(outcome) = &self.outcome
            && !["ok", "refused", "failed"].contains(&outcome.as_str())
        {
            return Err(Problem::field("outcome", "must be ok, refused or failed"));
        }
        Ok(AuditFilter {
            search: self.q,
            username: self.username,
            action: self.action,
            server_id: self.server_id,
            outcome: self.outcome,
            from: self.from,
            to: self.to,
        })
    }
}
