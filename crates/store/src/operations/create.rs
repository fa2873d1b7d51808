use imagefleet_model::{ImageRef, Operation, OperationId, OperationKind};
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::turn::take_turn;
use super::{NewOperation, NewStep};
use crate::{Result, Store, sql};

#[derive(FromQueryResult)]
struct Leader {
    id: i64,
    status: String,
    worker: Option<String>,
    lease_until: Option<i64>,
}

impl Store {
    /// Writes an operation and its steps, all queued, in one transaction.
    pub async fn create_operation(&self, new: NewOperation) -> Result<Operation> {
        self.create_operation_at(new, None).await
    }

    /// The same; `off_peak` says whether its steps wait for the off-peak window, `None` leaves that to the servers.
    pub async fn create_operation_at(&self, new: NewOperation, off_peak: Option<bool>) -> Result<Operation> {
        let id = uuid::Uuid::now_v7().to_string();
        let now = self.now_ms();
        self.write(async |tx| {
            take_turn(tx).await?;
            sql::run(
                tx,
                "INSERT INTO operations (id, kind, status, title, user_id, created_by, request, created_at)
                 VALUES ($1, $2, 'queued', $3, $4, $5, $6, $7)",
                vec![
                    id.clone().into(),
                    new.kind.as_str().into(),
                    new.title.into(),
                    new.user_id.into(),
                    new.created_by.into(),
                    new.request.to_string().into(),
                    now.into(),
                ],
            )
            .await?;
            let head = Head {
                operation: &id,
                kind: new.kind,
                off_peak,
                now,
            };
            for (position, step) in new.steps.into_iter().enumerate() {
                insert_step(tx, &head, position, step).await?;
            }
            Ok(())
        })
        .await?;
        self.existing_operation(&id).await
    }
}

/// What the steps of an operation have in common.
struct Head<'a> {
    operation: &'a OperationId,
    kind: OperationKind,
    off_peak: Option<bool>,
    now: i64,
}

/// The registry that a step of that kind talks to.
fn registry_of(kind: OperationKind, step: &NewStep) -> Option<String> {
    if !matches!(kind, OperationKind::PullImage | OperationKind::PushImage) {
        return None;
    }
    let reference = ImageRef::parse(step.repository.as_deref()?).ok()?;
    Some(reference.registry().to_owned())
}

async fn insert_step(
    tx: &impl ConnectionTrait,
    head: &Head<'_>,
    position: usize,
    step: NewStep,
) -> Result<()> {
    let (operation, now) = (head.operation, head.now);
    let registry = registry_of(head.kind, &step);
    let leader = match &step.share_key {
        Some(key) => leader_of(tx, step.server_id, key).await?,
        None => None,
    };
    let running = leader.as_ref().is_some_and(|leader| leader.status == "running");
    sql::run(
        tx,
        "INSERT INTO operation_steps (operation_id, position, server_id, server_name, image_id, repository, tag,
            status, exclusive, bulk, share_key, payload, shared_with, worker, lease_until, started_at, registry, off_peak, queued_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        vec![
            operation.clone().into(),
            sql::signed(position as u64).into(),
            step.server_id.into(),
            step.server_name.into(),
            step.image_id.into(),
            step.repository.into(),
            step.tag.into(),
            if running { "running" } else { "queued" }.into(),
            step.exclusive.into(),
            step.bulk.into(),
            step.share_key.into(),
            step.payload.to_string().into(),
            leader.as_ref().map(|leader| leader.id).into(),
            leader.as_ref().and_then(|leader| leader.worker.clone()).into(),
            leader.as_ref().and_then(|leader| leader.lease_until).into(),
            running.then_some(now).into(),
            registry.into(),
            head.off_peak.into(),
            now.into(),
        ],
    )
    .await?;
    if running {
        super::rollup::started(tx, operation, now).await?;
    }
    Ok(())
}

async fn leader_of(tx: &impl ConnectionTrait, server: i64, key: &str) -> Result<Option<Leader>> {
    sql::one(
        tx,
        "SELECT id, status, worker, lease_until FROM operation_steps
         WHERE server_id = $1 AND share_key = $2 AND shared_with IS NULL AND status IN ('queued', 'running')
         ORDER BY id LIMIT 1",
        vec![server.into(), key.into()],
    )
    .await
}
