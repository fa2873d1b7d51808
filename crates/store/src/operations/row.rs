use imagefleet_model::{Operation, OperationKind, Status, Step};
use sea_orm::FromQueryResult;
use serde::Deserialize;

use crate::{Result, StoreError, sql};

/// The columns that [`OperationRow`] reads.
pub const OPERATION: &str = "o.id, o.kind, o.status, o.title, o.message, o.progress, o.created_by, o.error, o.result, \
                             o.request, o.created_at, o.started_at, o.finished_at";

/// A row of `operations`.
#[derive(FromQueryResult)]
pub struct OperationRow {
    pub id: String,
    kind: String,
    status: String,
    title: String,
    message: String,
    progress: i64,
    created_by: String,
    error: Option<String>,
    result: Option<String>,
    request: String,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
}

impl OperationRow {
    pub fn into_operation(self, steps: Vec<Step>) -> Result<Operation> {
        Ok(Operation {
            kind: kind(&self.kind)?,
            status: status(&self.status)?,
            title: self.title,
            progress: percent(self.progress),
            message: self.message,
            created_by: self.created_by,
            created_at: sql::time(self.created_at),
            started_at: sql::maybe_time(self.started_at),
            finished_at: sql::maybe_time(self.finished_at),
            error: sql::maybe_json(self.error.as_deref())?,
            result: sql::maybe_json(self.result.as_deref())?,
            also: also(&self.request)?,
            steps,
            id: self.id,
        })
    }
}

/// The columns that [`StepRow`] reads.
pub const STEP: &str = "s.id, s.operation_id, s.server_id, s.server_name, s.image_id, s.repository, s.tag, s.status, \
                        s.progress, s.message, s.bytes_done, s.bytes_total, s.bytes_per_second, s.layers, \
                        s.started_at, s.finished_at, s.error, s.result";

/// [`STEP`] after `RETURNING`, where `SQLite` knows no other name of the table.
pub fn step_returned() -> String {
    STEP.replace("s.", "")
}

/// A row of `operation_steps`.
#[derive(FromQueryResult)]
pub struct StepRow {
    pub id: i64,
    pub operation_id: String,
    pub server_id: i64,
    server_name: String,
    image_id: Option<i64>,
    repository: Option<String>,
    tag: Option<String>,
    status: String,
    progress: i64,
    message: String,
    bytes_done: i64,
    bytes_total: Option<i64>,
    bytes_per_second: Option<i64>,
    layers: Option<String>,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    error: Option<String>,
    result: Option<String>,
}

impl StepRow {
    pub fn into_step(self) -> Result<Step> {
        Ok(Step {
            id: self.id,
            server_id: self.server_id,
            server_name: self.server_name,
            image_id: self.image_id,
            repository: self.repository,
            tag: self.tag,
            status: status(&self.status)?,
            progress: percent(self.progress),
            message: self.message,
            waiting_for: None,
            bytes_done: sql::unsigned(self.bytes_done),
            bytes_total: self.bytes_total.map(sql::unsigned),
            bytes_per_second: self.bytes_per_second.map(sql::unsigned),
            layers: sql::maybe_json(self.layers.as_deref())?.unwrap_or_default(),
            started_at: sql::maybe_time(self.started_at),
            finished_at: sql::maybe_time(self.finished_at),
            error: sql::maybe_json(self.error.as_deref())?,
            result: sql::maybe_json(self.result.as_deref())?,
        })
    }
}

/// What an operation's words name beside what its steps are about, as its planner noted it in the request.
pub fn also(request: &str) -> Result<Vec<(i64, String)>> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Request {
        also: Vec<(i64, String)>,
    }
    Ok(sql::from_json::<Request>(request)?.also)
}

pub fn kind(word: &str) -> Result<OperationKind> {
    OperationKind::from_word(word).ok_or_else(|| StoreError::Unreadable(format!("operation kind {word}")))
}

pub fn status(word: &str) -> Result<Status> {
    Status::from_word(word).ok_or_else(|| StoreError::Unreadable(format!("status {word}")))
}

pub fn percent(number: i64) -> u8 {
    u8::try_from(number.clamp(0, 100)).unwrap_or(0)
}
