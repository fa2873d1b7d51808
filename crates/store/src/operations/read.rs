use std::collections::HashMap;

use imagefleet_model::{
    Access, ErrorCode, Failure, Operation, OperationKind, Page, PageRequest, Status, Step, Verb,
};
use sea_orm::{ConnectionTrait, Value};

use super::row::{OPERATION, OperationRow, STEP, StepRow};
use crate::{Result, Store, StoreError, scope, sql};

/// Which operations.
#[derive(Debug, Clone, Default)]
pub struct OperationFilter {
    /// Only those that have not ended (`Some(true)`), or have (`Some(false)`).
    pub active: Option<bool>,
    /// Only of this kind.
    pub kind: Option<OperationKind>,
    /// Only in this status.
    pub status: Option<Status>,
    /// Only with a step on this server.
    pub server_id: Option<i64>,
}

impl Store {
    /// One operation with its steps.
    pub async fn operation(&self, id: &str) -> Result<Option<Operation>> {
        self.operation_in(&self.db, id).await
    }

    pub(super) async fn operation_in(
        &self,
        db: &impl ConnectionTrait,
        id: &str,
    ) -> Result<Option<Operation>> {
        let row: Option<OperationRow> = sql::one(
            db,
            &format!("SELECT {OPERATION} FROM operations o WHERE o.id = $1"),
            vec![id.into()],
        )
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut steps = self.steps_of(db, std::slice::from_ref(&row.id)).await?;
        let steps = steps.remove(&row.id).unwrap_or_default();
        row.into_operation(steps).map(Some)
    }

    /// One operation that must be there.
    pub async fn existing_operation(&self, id: &str) -> Result<Operation> {
        self.operation(id).await?.ok_or_else(|| {
            StoreError::Refused(Failure::new(
                ErrorCode::OperationNotFound,
                "There is no operation with this id.",
            ))
        })
    }

    /// Whether the caller may see this operation: the right to see images on a server and repository of any step.
    pub async fn operation_visible(&self, id: &str, access: &Access) -> Result<bool> {
        let mut values = vec![id.into()];
        let visible = visible(access, &mut values);
        let query = format!("SELECT COUNT(*) FROM operations o WHERE o.id = $1 AND {visible}");
        Ok(sql::number(&self.db, &query, values).await? > 0)
    }

    /// A page of operations, newest first.
    pub async fn list_operations(
        &self,
        filter: &OperationFilter,
        access: &Access,
        page: PageRequest,
    ) -> Result<Page<Operation>> {
        let mut values: Vec<Value> = Vec::new();
        let mut conditions = vec![visible(access, &mut values)];
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            conditions.push(condition.replace('?', &format!("${}", values.len())));
        };
        if let Some(kind) = filter.kind {
            add("o.kind = ?", kind.as_str().into());
        }
        if let Some(status) = filter.status {
            add("o.status = ?", status.as_str().into());
        }
        if let Some(server) = filter.server_id {
            add(
                "EXISTS (SELECT 1 FROM operation_steps f WHERE f.operation_id = o.id AND f.server_id = ?)",
                server.into(),
            );
        }
        match filter.active {
            Some(true) => conditions.push("o.finished_at IS NULL".to_owned()),
            Some(false) => conditions.push("o.finished_at IS NOT NULL".to_owned()),
            None => {}
        }
        let conditions = conditions.join(" AND ");
        let total = sql::number(
            &self.db,
            &format!("SELECT COUNT(*) FROM operations o WHERE {conditions}"),
            values.clone(),
        )
        .await?;
        let (limit, offset) = (values.len() + 1, values.len() + 2);
        values.push(sql::signed(page.size).into());
        values.push(sql::signed(page.offset()).into());
        let rows: Vec<OperationRow> = sql::all(
            &self.db,
            &format!(
                "SELECT {OPERATION} FROM operations o WHERE {conditions} ORDER BY o.id DESC LIMIT ${limit} OFFSET ${offset}"
            ),
            values,
        )
        .await?;
        let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        let mut steps = self.steps_of(&self.db, &ids).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            let own = steps.remove(&row.id).unwrap_or_default();
            items.push(row.into_operation(own)?);
        }
        Ok(Page::new(items, sql::unsigned(total), page))
    }

    async fn steps_of(
        &self,
        db: &impl ConnectionTrait,
        operations: &[String],
    ) -> Result<HashMap<String, Vec<Step>>> {
        let mut steps: HashMap<String, Vec<Step>> = HashMap::new();
        if operations.is_empty() {
            return Ok(steps);
        }
        let rows: Vec<StepRow> = sql::all(
            db,
            &format!(
                "SELECT {STEP} FROM operation_steps s WHERE s.operation_id IN ({}) ORDER BY s.operation_id, s.position",
                sql::placeholders(0, operations.len())
            ),
            operations.iter().map(|id| id.clone().into()).collect(),
        )
        .await?;
        for row in rows {
            let operation = row.operation_id.clone();
            steps.entry(operation).or_default().push(row.into_step()?);
        }
        let mut queued: Vec<&mut Step> = steps
            .values_mut()
            .flatten()
            .filter(|step| step.status == Status::Queued)
            .collect();
        self.explain_waiting(db, &mut queued).await?;
        Ok(steps)
    }
}

fn visible(access: &Access, values: &mut Vec<Value>) -> String {
    match scope::condition(access, Verb::ImageView, "v.server_id", "v.repository", values) {
        None => "TRUE".to_owned(),
        Some(condition) => {
            format!("EXISTS (SELECT 1 FROM operation_steps v WHERE v.operation_id = o.id AND {condition})")
        }
    }
}
