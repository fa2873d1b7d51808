use imagefleet_model::{Page, PageRequest, ServerId, Timestamp};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use crate::{Result, Store, sql};

/// One line of the audit log. Lines are only ever added, and removed by age alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditEntry {
    /// Row id; grows with time. Ignored when adding.
    pub id: i64,
    /// When. Ignored when adding: the store's clock stamps it.
    pub at: Timestamp,
    /// Who; for a failed login the name that was tried.
    pub username: String,
    /// From where.
    pub address: String,
    /// What, as `noun.verb`, or method and route.
    pub action: String,
    /// On which server.
    pub server_id: Option<ServerId>,
    /// Its name then.
    pub server_name: Option<String>,
    /// On what: an image, a user, …
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

/// Which lines.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Part of the action, subject, detail, user or server name, in any case.
    pub search: Option<String>,
    /// Exactly this user.
    pub username: Option<String>,
    /// Exactly this action.
    pub action: Option<String>,
    /// Only about this server.
    pub server_id: Option<ServerId>,
    /// `ok`, `refused` or `failed`.
    pub outcome: Option<String>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct AuditRow {
    id: i64,
    at: i64,
    username: String,
    address: String,
    action: String,
    server_id: Option<i64>,
    server_name: Option<String>,
    subject: String,
    outcome: String,
    code: Option<String>,
    detail: String,
    operation_id: Option<String>,
    request_id: Option<String>,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: sql::time(row.at),
            username: row.username,
            address: row.address,
            action: row.action,
            server_id: row.server_id,
            server_name: row.server_name,
            subject: row.subject,
            outcome: row.outcome,
            code: row.code,
            detail: row.detail,
            operation_id: row.operation_id,
            request_id: row.request_id,
        }
    }
}

const COLUMNS: &str =
    "id, at, username, address, action, server_id, server_name, subject, outcome, code, detail,
    operation_id, request_id";

impl AuditFilter {
    /// The condition and its parameters.
    fn condition(&self) -> (String, Vec<Value>) {
        let mut parts = vec!["TRUE".to_owned()];
        let mut values: Vec<Value> = vec![];
        let mut add = |value: Value, part: &dyn Fn(usize) -> String| {
            values.push(value);
            parts.push(part(values.len()));
        };
        if let Some(search) = &self.search {
            let like = search
                .to_lowercase()
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            add(format!("%{like}%").into(), &|n| {
                let columns = [
                    "action",
                    "subject",
                    "detail",
                    "username",
                    "COALESCE(server_name, '')",
                ];
                let any: Vec<String> = columns
                    .iter()
                    .map(|column| format!("lower({column}) LIKE ${n} ESCAPE '\\'"))
                    .collect();
                format!("({})", any.join(" OR "))
            });
        }
        if let Some(username) = &self.username {
            add(username.clone().into(), &|n| format!("username = ${n}"));
        }
        if let Some(action) = &self.action {
            add(action.clone().into(), &|n| format!("action = ${n}"));
        }
        if let Some(server_id) = self.server_id {
            add(server_id.into(), &|n| format!("server_id = ${n}"));
        }
        if let Some(outcome) = &self.outcome {
            add(outcome.clone().into(), &|n| format!("outcome = ${n}"));
        }
        if let Some(from) = self.from {
            add(from.timestamp_millis().into(), &|n| format!("at >= ${n}"));
        }
        if let Some(to) = self.to {
            add(to.timestamp_millis().into(), &|n| format!("at < ${n}"));
        }
        (parts.join(" AND "), values)
    }
}

impl Store {
    /// Adds lines.
    pub async fn add_audit(&self, entries: &[AuditEntry]) -> Result<()> {
        let now = self.now_ms();
        self.write(async |tx| {
            for entry in entries {
                insert(tx, entry, now).await?;
            }
            Ok(())
        })
        .await
    }

    /// A page of lines, the latest first.
    pub async fn audit(&self, filter: &AuditFilter, request: PageRequest) -> Result<Page<AuditEntry>> {
        let (condition, mut values) = filter.condition();
        let total = sql::number(
            &self.db,
            &format!("SELECT COUNT(*) FROM audit WHERE {condition}"),
            values.clone(),
        )
        .await?;
        let n = values.len();
        values.extend([
            sql::signed(request.size).into(),
            sql::signed(request.offset()).into(),
        ]);
        let rows: Vec<AuditRow> = sql::all(
            &self.db,
            &format!(
                "SELECT {COLUMNS} FROM audit WHERE {condition} ORDER BY id DESC LIMIT ${} OFFSET ${}",
                n + 1,
                n + 2
            ),
            values,
        )
        .await?;
        let entries = rows.into_iter().map(Into::into).collect();
        Ok(Page::new(entries, sql::unsigned(total), request))
    }

    /// The next `limit` lines older than the line `before` (all, when `None`), the latest first: an export reads the
    /// log in such pieces.
    pub async fn audit_before(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>> {
        let (condition, mut values) = filter.condition();
        let n = values.len();
        values.extend([before.unwrap_or(i64::MAX).into(), i64::from(limit).into()]);
        let rows: Vec<AuditRow> = sql::all(
            &self.db,
            &format!(
                "SELECT {COLUMNS} FROM audit WHERE {condition} AND id < ${} ORDER BY id DESC LIMIT ${}",
                n + 1,
                n + 2
            ),
            values,
        )
        .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Removes lines older than `oldest`, and says so in a line of its own. How many there were.
    pub async fn sweep_audit(&self, oldest: Timestamp) -> Result<u64> {
        let (oldest, now) = (oldest.timestamp_millis(), self.now_ms());
        self.write(async |tx| {
            sql::run(
                tx,
                "INSERT INTO settings (name, value) VALUES ('audit_kept_from', $1)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                vec![oldest.to_string().into()],
            )
            .await?;
            let gone = sql::run(tx, "DELETE FROM audit WHERE at < $1", vec![oldest.into()]).await?;
            if gone > 0 {
                let entry = AuditEntry {
                    username: "imagefleet".to_owned(),
                    action: "audit.sweep".to_owned(),
                    outcome: "ok".to_owned(),
                    detail: format!("{gone} lines from before {}", sql::time(oldest).to_rfc3339()),
                    ..AuditEntry::default()
                };
                insert(tx, &entry, now).await?;
            }
            Ok(gone)
        })
        .await
    }
}

/// Adds a line.
pub(crate) async fn insert(tx: &impl ConnectionTrait, entry: &AuditEntry, now: i64) -> Result<()> {
    sql::run(
        tx,
        "INSERT INTO audit (at, username, address, action, server_id, server_name, subject, outcome,
            code, detail, operation_id, request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        vec![
            now.into(),
            printable(&entry.username).into(),
            entry.address.clone().into(),
            printable(&entry.action).into(),
            entry.server_id.into(),
            entry.server_name.clone().into(),
            printable(&entry.subject).into(),
            entry.outcome.clone().into(),
            entry.code.clone().into(),
            printable(&entry.detail).into(),
            entry.operation_id.clone().into(),
            entry.request_id.clone().into(),
        ],
    )
    .await?;
    Ok(())
}

/// A text without control characters: `PostgreSQL` keeps no NUL, and a line is a line in every file that it goes to.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use imagefleet_model::PageRequest;

    use super::{AuditEntry, AuditFilter};
    use crate::{sql, testing};

    #[tokio::test]
    async fn what_cannot_be_printed_is_written_all_the_same() {
        for at in testing::stores().await {
            let line = AuditEntry {
                username: "a\0b".to_owned(),
                subject: "x\r\ny".to_owned(),
                outcome: "failed".to_owned(),
                ..AuditEntry::default()
            };
            at.store.add_audit(&[line]).await.expect("added");
            let page = PageRequest::default();
            let read = at.store.audit(&AuditFilter::default(), page).await.expect("read");
            assert_eq!(read.items[0].username, "a\u{fffd}b");
            assert_eq!(read.items[0].subject, "x\u{fffd}\u{fffd}y");
        }
    }

    #[tokio::test]
    async fn lines_are_added_and_go_by_age_alone() {
        for at in testing::stores().await {
            let line = |action: &str| AuditEntry {
                action: action.to_owned(),
                outcome: "ok".to_owned(),
                ..AuditEntry::default()
            };
            at.store.add_audit(&[line("old")]).await.expect("added");
            at.pass(100);
            at.store.add_audit(&[line("young")]).await.expect("added");
            for statement in [
                "UPDATE audit SET username = 'somebody else'",
                "UPDATE audit SET outcome = 'ok' WHERE action = 'old'",
                "DELETE FROM audit",
                "DELETE FROM audit WHERE action = 'old'",
            ] {
                let refused = sql::run(&at.store.db, statement, vec![]).await;
                let error = refused.expect_err(statement).to_string();
                assert!(error.contains("append-only"), "{statement}: {error}");
            }
            let oldest = at.store.clock().now() - chrono::Duration::seconds(50);
            assert_eq!(at.store.sweep_audit(oldest).await.expect("swept"), 1);
            assert_eq!(at.store.sweep_audit(oldest).await.expect("swept"), 0);
            let page = PageRequest::default();
            let left = at.store.audit(&AuditFilter::default(), page).await.expect("read");
            let actions: Vec<&str> = left.items.iter().map(|entry| entry.action.as_str()).collect();
            assert_eq!(actions, ["audit.sweep", "young"]);
            assert!(sql::run(&at.store.db, "DELETE FROM audit", vec![]).await.is_err());
        }
    }
}
