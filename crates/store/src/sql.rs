use chrono::{DateTime, Utc};
use imagefleet_model::{ErrorInfo, Timestamp};
use sea_orm::{ConnectionTrait, DatabaseBackend, FromQueryResult, Statement, Value};
use serde::Deserialize as _;

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

/// The rows `columns` `FROM` so and so, each in the order of a type's fields, out of one JSON text that the database
/// makes: handing many rows through the driver one by one takes longer than finding them.
pub async fn many<T: serde::de::DeserializeOwned>(
    db: &impl ConnectionTrait,
    columns: &str,
    from: &str,
    values: Vec<Value>,
) -> Result<Vec<T>> {
    let (rows, row) = match db.get_database_backend() {
        DatabaseBackend::Sqlite => ("json_group_array", "json_array"),
        _ => ("json_agg", "json_build_array"),
    };
    let query = format!("SELECT CAST({rows}({row}({columns})) AS TEXT) FROM {from}");
    let row = db.query_one_raw(statement(db, &query, values)).await?;
    let text = row
        .map(|row| row.try_get_by_index::<Option<String>>(0))
        .transpose()?;
    // PostgreSQL says NULL of no rows.
    text.flatten()
        .map_or_else(|| Ok(Vec::new()), |text| from_json(&text))
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
    let backend = db.get_database_backend();
    if backend == DatabaseBackend::Sqlite
        && values.len() > FEW
        && let Some(unnamed) = unnamed(sql, values.len())
    {
        return Statement::from_sql_and_values(backend, unnamed, values);
    }
    Statement::from_sql_and_values(backend, sql, values)
}

/// Parameters of a statement that are not worth a thought.
const FEW: usize = 16;

/// `$1, $2, …` as `?, ?, …` when each stands there once and in order. To `SQLite` a `$1` is a name, and each name is
/// looked up among all the others: of a thousand rows that is most of the time.
fn unnamed(sql: &str, count: usize) -> Option<String> {
    let mut parts = sql.split('$');
    let mut text = parts.next()?.to_owned();
    let mut seen = 0;
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        seen += 1;
        if number.parse() != Ok(seen) {
            return None;
        }
        text.push('?');
        text.push_str(rest);
    }
    (seen == count).then_some(text)
}

/// How many rows a statement may have.
const LENGTHS: [usize; 5] = [128, 32, 8, 2, 1];

/// Rows of a statement at a time. Of a few lengths only: statements are kept prepared, and one of every length would
/// fill the memory and never be met again.
pub fn chunks<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let length = LENGTHS.into_iter().find(|length| *length <= rest.len())?;
        let (chunk, after) = rest.split_at(length);
        rest = after;
        Some(chunk)
    })
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

/// Numbers that are the one value `$n`, a JSON list, for `IN (…)`: as many as there may be in one statement of one text.
pub fn numbers_of(db: &impl ConnectionTrait, n: usize) -> String {
    let number = match db.get_database_backend() {
        DatabaseBackend::Sqlite => "value",
        _ => "CAST(value AS BIGINT)",
    };
    format!("SELECT {number} FROM {}", texts_of(db, n))
}

/// The same of texts, as rows of a table with the column `value`.
pub fn texts_of(db: &impl ConnectionTrait, n: usize) -> String {
    match db.get_database_backend() {
        DatabaseBackend::Sqlite => format!("json_each(${n})"),
        _ => format!("json_array_elements_text(CAST(${n} AS JSON))"),
    }
}

/// Pairs of a number and another value that are the one value `$n`, a JSON list, as a table with the columns `one` and `other`.
pub fn pairs_of(db: &impl ConnectionTrait, n: usize, other: &str) -> String {
    match db.get_database_backend() {
        DatabaseBackend::Sqlite => {
            format!("(SELECT value ->> 0 AS one, value ->> 1 AS other FROM json_each(${n}))")
        }
        _ => format!(
            "(SELECT CAST(value ->> 0 AS BIGINT) AS one, CAST(value ->> 1 AS {other}) AS other \
             FROM json_array_elements(CAST(${n} AS JSON)))"
        ),
    }
}

/// Reads what both databases write differently into JSON, when it was made a number.
pub fn truth<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    i64::deserialize(deserializer).map(|number| number != 0)
}

/// `1, 2, 3` for `IN (…)`: our own integers need no parameters. `NULL`, which nothing is, when there are none.
pub fn numbers(ids: &[i64]) -> String {
    if ids.is_empty() {
        return "NULL".to_owned();
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{chunks, unnamed};

    #[test]
    fn parameters_lose_their_names_only_when_each_stands_once_and_in_order() {
        assert_eq!(
            unnamed("VALUES ($1, $2), ($3, $4)", 4).as_deref(),
            Some("VALUES (?, ?), (?, ?)")
        );
        for (other, count) in [
            ("a = $2 AND b = $1", 2),
            ("a = $1 OR b = $1", 1),
            ("a = $1", 2),
            ("a = '$' AND b = $1", 1),
        ] {
            assert_eq!(unnamed(other, count), None, "{other}");
        }
    }

    #[test]
    fn chunks_hold_every_row_once_and_have_few_lengths() {
        for count in [0, 1, 2, 3, 127, 128, 500, 1_000] {
            let rows: Vec<usize> = (0..count).collect();
            assert_eq!(chunks(&rows).flatten().copied().collect::<Vec<_>>(), rows);
            assert!(chunks(&rows).all(|chunk| super::LENGTHS.contains(&chunk.len())));
        }
    }
}
