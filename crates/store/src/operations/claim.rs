use sea_orm::FromQueryResult;

use super::queue::Queue;
use super::turn::take_turn;
use super::{ClaimedStep, rollup, row};
use crate::{Result, Store, sql};

/// A bulk step that has waited for so long counts as a small one: a stream of those must not hold it up for ever.
const PATIENCE_MS: i64 = 10 * 60 * 1000;

/// Small before bulk; among those the user with the least under way; among his the oldest. `{reason}` says what holds
/// a step back.
const CLAIM: &str = "
    UPDATE operation_steps SET status = 'running', worker = $1, lease_until = $2, attempt = attempt + 1,
        started_at = COALESCE(started_at, $3), message = '', waiting = '', error = NULL
    WHERE id = (
        WITH busy AS (
            SELECT o.created_by, COUNT(*) AS steps FROM operation_steps r JOIN operations o ON o.id = r.operation_id
            WHERE r.status = 'running' GROUP BY o.created_by)
        SELECT s.id FROM operation_steps s
        JOIN operations o ON o.id = s.operation_id
        LEFT JOIN servers v ON v.id = s.server_id
        LEFT JOIN busy ON busy.created_by = o.created_by
        WHERE s.status = 'queued' AND {reason} = 'turn'
        ORDER BY CASE WHEN s.bulk = TRUE AND s.queued_at > $4 THEN 1 ELSE 0 END, COALESCE(busy.steps, 0), s.id LIMIT 1)
    RETURNING id, operation_id, server_id, server_name, image_id, repository, tag, payload, attempt";

#[derive(FromQueryResult)]
struct Claimed {
    id: i64,
    operation_id: String,
    server_id: i64,
    server_name: String,
    image_id: Option<i64>,
    repository: Option<String>,
    tag: Option<String>,
    payload: String,
    attempt: i64,
}

#[derive(FromQueryResult)]
struct Head {
    kind: String,
    title: String,
    created_by: String,
    request: String,
}

impl Store {
    /// Takes the next step whose turn it is, for `worker`, until `lease_ms` from now unless it is renewed.
    pub async fn claim_step(&self, worker: &str, lease_ms: i64) -> Result<Option<ClaimedStep>> {
        let now = self.now_ms();
        self.write(async |tx| {
            // Two programs must not each find the server free.
            take_turn(tx).await?;
            let lease = self.lease_now(tx).await? + lease_ms;
            let queue = Queue::at(tx, &self.queue, sql::time(now)).await?;
            let claim = CLAIM.replace("{reason}", &queue.reason());
            let values = vec![
                worker.into(),
                lease.into(),
                now.into(),
                (now - PATIENCE_MS).into(),
            ];
            let Some(step) = sql::one::<Claimed>(tx, &claim, values).await? else {
                return Ok(None);
            };
            sql::run(
                tx,
                "UPDATE operation_steps SET status = 'running', worker = $2, lease_until = $3,
                    started_at = COALESCE(started_at, $4), message = '', waiting = ''
                 WHERE shared_with = $1 AND status = 'queued'",
                vec![step.id.into(), worker.into(), lease.into(), now.into()],
            )
            .await?;
            for operation in rollup::operations_of(tx, step.id).await? {
                rollup::started(tx, &operation, now).await?;
            }
            let head: Option<Head> = sql::one(
                tx,
                "SELECT kind, title, created_by, request FROM operations WHERE id = $1",
                vec![step.operation_id.clone().into()],
            )
            .await?;
            let Some(head) = head else { return Ok(None) };
            Ok(Some(ClaimedStep {
                id: step.id,
                operation_id: step.operation_id,
                kind: row::kind(&head.kind)?,
                title: head.title,
                created_by: head.created_by,
                request: sql::from_json(&head.request)?,
                server_id: step.server_id,
                server_name: step.server_name,
                image_id: step.image_id,
                repository: step.repository,
                tag: step.tag,
                payload: sql::from_json(&step.payload)?,
                attempt: u32::try_from(step.attempt).unwrap_or(u32::MAX),
            }))
        })
        .await
    }

    /// The steps that run under a lease of `worker`.
    pub async fn steps_of_worker(&self, worker: &str) -> Result<Vec<i64>> {
        let rows: Vec<StepId> = sql::all(
            &self.db,
            "SELECT id FROM operation_steps WHERE worker = $1 AND status = 'running' AND shared_with IS NULL",
            vec![worker.into()],
        )
        .await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Renews the leases of these steps of `worker`, and of those that share them; the ones among them that somebody
    /// asked to cancel. What else stands under its name it has lost sight of, and its lease ends: a claim whose answer
    /// never came, an end that could not be stored.
    pub async fn renew_leases(&self, worker: &str, steps: &[i64], lease_ms: i64) -> Result<Vec<i64>> {
        let ids = sql::numbers(steps);
        self.write(async |tx| {
            take_turn(tx).await?;
            let lease = self.lease_now(tx).await? + lease_ms;
            sql::run(
                tx,
                &format!(
                    "UPDATE operation_steps SET lease_until = $2
                     WHERE worker = $1 AND status = 'running' AND (id IN ({ids}) OR shared_with IN ({ids}))"
                ),
                vec![worker.into(), lease.into()],
            )
            .await?;
            let rows: Vec<StepId> = sql::all(
                tx,
                &format!(
                    "SELECT s.id FROM operation_steps s JOIN operations o ON o.id = s.operation_id
                     WHERE s.worker = $1 AND s.status = 'running' AND s.id IN ({ids}) AND o.cancel_requested = TRUE"
                ),
                vec![worker.into()],
            )
            .await?;
            Ok(rows.into_iter().map(|row| row.id).collect())
        })
        .await
    }
}

#[derive(FromQueryResult)]
struct StepId {
    id: i64,
}
