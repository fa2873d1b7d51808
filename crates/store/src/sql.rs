use chrono::{DateTime, Utc};
use imagefleet_model::{ErrorInfo, Timestamp};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use crate::{Result, StoreError};

/// The rows of a query.
pub async fn all<T: FromQueryResult>(
    db: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<T>> {
    let rows = db.query_all_raw(statement(db, sql, values)).await?;
    rows.iter()
        .map(|row| T::from_query_result(row, "").map_err(StoreError::from))
        .collect()
}

/// The first row of a query, if any.
pub async fn one<T: FromQueryResult>(
    db: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<T>> {
    let row = db.query_one_raw(statement(db, sql, values)).await?;
    row.map(|row| T::from_query_result(&row, "").map_err(StoreError::from))
        .transpose()
}

/// The single number of a query such as `SELECT COUNT(*)`.
pub async fn number(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<i64> {
    let row = db.query_one_raw(statement(db, sql, values)).await?;
    let row = row.ok_or_else(|| StoreError::Unreadable("a count gave no row".to_owned()))?;
    Ok(row.try_get_by_index::<i64>(0)?)
}

/// Runs a statement; how many rows it touched.
pub async fn run(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Result<u64> {
    Ok(db.execute_raw(statement(db, sql, values)).await?.rows_affected())
}

fn statement(db: &impl ConnectionTrait, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// A stored time.
pub fn time(ms: i64) -> Timestamp {
    DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default()
}

/// A stored time that may be missing.
pub fn maybe_time(ms: Option<i64>) -> Option<Timestamp> {
    ms.map(time)
}

/// A count or size as people read it: never negative.
pub fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A size as the database keeps it.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// JSON text of a value that always serialises (our own plain types).
pub fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

/// The value of a JSON column.
pub fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    Ok(serde_json::from_str(text)?)
}

/// The value of a JSON column that may be empty.
pub fn maybe_json<T: serde::de::DeserializeOwned>(text: Option<&str>) -> Result<Option<T>> {
    text.map(from_json).transpose()
}

/// An error as a column keeps it.
pub fn error_json(error: Option<&ErrorInfo>) -> Result<Option<String>> {
    error.map(json).transpose()
}

/// `$3, $4, $5` for `count` parameters after the first `before`.
pub fn placeholders(before: usize, count: usize) -> String {
    (1..=count)
        .map(|i| format!("${}", before + i))
        .collect::<Vec<_>>()
        .join(", ")
}

/// `text` anywhere, for `lower(column) LIKE … ESCAPE '\'`.
pub fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// `1, 2, 3` for `IN (…)`: our own integers need no parameters. `NULL`, which nothing is, when there are none.
pub fn numbers(ids: &[i64]) -> String {
    if ids.is_empty() {
        return "NULL".to_owned();
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}
