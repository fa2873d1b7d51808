use std::collections::HashMap;

use imagefleet_model::{ServerId, Step, Timestamp, WaitingCode, WaitingFor};
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::queue::Queue;
use super::{QueueFigures, StoredProgress};
use crate::{Result, Store, sql};

/// How many waiting steps are announced in one go: the others follow.
const ANNOUNCED_AT_ONCE: u32 = 200;

#[derive(FromQueryResult)]
struct Waiting {
    id: i64,
    server_id: i64,
    reason: String,
    message: String,
    not_before: i64,
    registry: Option<String>,
    shared_with: Option<i64>,
    image_id: Option<i64>,
}

#[derive(FromQueryResult)]
struct Blocker {
    id: i64,
    server_id: i64,
    image_id: Option<i64>,
    repository: Option<String>,
    operation_id: String,
    title: String,
}

#[derive(FromQueryResult)]
struct Reason {
    id: i64,
    reason: String,
}

#[derive(FromQueryResult)]
struct Figure {
    reason: String,
    steps: i64,
    oldest: i64,
}

impl Store {
    /// A queued step says what it waits for.
    pub(super) async fn explain_waiting(
        &self,
        db: &impl ConnectionTrait,
        steps: &mut [&mut Step],
    ) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let queue = Queue::at(db, &self.queue, now).await?;
        let ids: Vec<i64> = steps.iter().map(|step| step.id).collect();
        let rows: Vec<Waiting> = sql::all(
            db,
            &format!(
                "SELECT s.id, s.server_id, {} AS reason, s.message, s.not_before, s.registry, s.shared_with, s.image_id
                 FROM operation_steps s LEFT JOIN servers v ON v.id = s.server_id
                 WHERE s.status = 'queued' AND s.id IN ({})",
                queue.reason(),
                sql::numbers(&ids)
            ),
            vec![],
        )
        .await?;
        let blockers = blockers(db, &rows).await?;
        let mut reasons = HashMap::with_capacity(rows.len());
        for row in rows {
            reasons.insert(row.id, explain(&row, &queue, &blockers, now));
        }
        for step in steps {
            if let Some(waiting) = reasons.remove(&step.id) {
                step.message.clone_from(&waiting.message);
                step.waiting_for = Some(waiting);
            }
        }
        Ok(())
    }

    /// Queued steps that wait for something else than was announced last, each with the number of its event. One of the programs that share
    /// the store announces them, lest several tell of the same step in one moment: there is nothing for the others.
    pub async fn newly_waiting(&self, worker: &str) -> Result<Vec<StoredProgress>> {
        if self.is_shared() && !self.is_first(worker).await? {
            return Ok(Vec::new());
        }
        let queue = Queue::at(&self.db, &self.queue, self.clock.now()).await?;
        let query = format!(
            "SELECT w.id, w.reason FROM (
                SELECT s.id, s.waiting, {} AS reason FROM operation_steps s LEFT JOIN servers v ON v.id = s.server_id
                WHERE s.status = 'queued') w
             WHERE w.reason <> 'turn' AND w.reason <> w.waiting ORDER BY w.id LIMIT {ANNOUNCED_AT_ONCE}",
            queue.reason()
        );
        let rows: Vec<Reason> = sql::all(&self.db, &query, vec![]).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        // Several programs may see the same: the one that changes the row announces it.
        let ours = self
            .write(async |tx| {
                let mut ours = Vec::with_capacity(rows.len());
                for row in rows {
                    let touched = sql::run(
                        tx,
                        "UPDATE operation_steps SET waiting = $2 WHERE id = $1 AND waiting <> $2 AND status = 'queued'",
                        vec![row.id.into(), row.reason.into()],
                    );
                    if touched.await? == 1 {
                        ours.push(row.id);
                    }
                }
                Ok(ours)
            })
            .await?;
        self.number_steps(&ours).await
    }

    /// How many steps wait for what, and since when the oldest of each does; how many run.
    pub async fn queue_figures(&self) -> Result<QueueFigures> {
        let now = self.clock.now();
        let queue = Queue::at(&self.db, &self.queue, now).await?;
        let rows: Vec<Figure> = sql::all(
            &self.db,
            &format!(
                "SELECT w.reason, COUNT(*) AS steps, MIN(w.queued_at) AS oldest FROM (
                    SELECT s.queued_at, {} AS reason FROM operation_steps s LEFT JOIN servers v ON v.id = s.server_id
                    WHERE s.status = 'queued') w
                 GROUP BY w.reason",
                queue.reason()
            ),
            vec![],
        )
        .await?;
        let running = sql::number(
            &self.db,
            "SELECT COUNT(*) FROM operation_steps WHERE status = 'running' AND shared_with IS NULL",
            vec![],
        )
        .await?;
        let mut figures = QueueFigures {
            running: sql::unsigned(running),
            waiting: Vec::with_capacity(rows.len()),
        };
        for row in rows {
            if let Some(code) = WaitingCode::from_word(&row.reason) {
                let age = (now - sql::time(row.oldest)).to_std().unwrap_or_default();
                figures.waiting.push((code, sql::unsigned(row.steps), age));
            }
        }
        Ok(figures)
    }

    /// Which of these servers have no off-peak window, neither their own nor the program's.
    pub async fn servers_without_off_peak(&self, servers: &[ServerId]) -> Result<Vec<ServerId>> {
        let queue = Queue::at(&self.db, &self.queue, self.clock.now()).await?;
        Ok(servers
            .iter()
            .copied()
            .filter(|server| queue.window(*server).is_none())
            .collect())
    }
}

/// What runs where somebody waits, and what is shared.
async fn blockers(db: &impl ConnectionTrait, waiting: &[Waiting]) -> Result<Vec<Blocker>> {
    let servers: Vec<i64> = waiting
        .iter()
        .filter(|row| row.reason == WaitingCode::ServerBusy.as_str())
        .map(|row| row.server_id)
        .collect();
    let leaders: Vec<i64> = waiting.iter().filter_map(|row| row.shared_with).collect();
    if servers.is_empty() && leaders.is_empty() {
        return Ok(Vec::new());
    }
    sql::all(
        db,
        &format!(
            "SELECT r.id, r.server_id, r.image_id, r.repository, r.operation_id, o.title
             FROM operation_steps r JOIN operations o ON o.id = r.operation_id
             WHERE r.id IN ({}) OR (r.status = 'running' AND r.exclusive = TRUE AND r.shared_with IS NULL
                                    AND r.server_id IN ({}))
             ORDER BY r.id",
            sql::numbers(&leaders),
            sql::numbers(&servers)
        ),
        vec![],
    )
    .await
}

fn explain(row: &Waiting, queue: &Queue<'_>, blockers: &[Blocker], now: Timestamp) -> WaitingFor {
    let code = WaitingCode::from_word(&row.reason).unwrap_or(WaitingCode::Turn);
    match code {
        WaitingCode::Turn => WaitingFor::new(code, "Waits for its turn"),
        WaitingCode::ServerPaused => WaitingFor::new(code, "Waits: the server is paused"),
        WaitingCode::ServerBusy => {
            let on_server = || blockers.iter().filter(|other| other.server_id == row.server_id);
            let same_image =
                on_server().find(|other| other.image_id.is_some() && other.image_id == row.image_id);
            for_other(code, "Waits for", same_image.or_else(|| on_server().next()))
        }
        WaitingCode::Shared => {
            let leader = blockers.iter().find(|other| Some(other.id) == row.shared_with);
            for_other(code, "Waits together with", leader)
        }
        WaitingCode::RegistryBusy => {
            let registry = row.registry.as_deref().unwrap_or_default();
            WaitingFor::new(
                code,
                format!("Waits: as many steps as allowed use the registry {registry}"),
            )
        }
        WaitingCode::Retry => {
            let until = sql::time(row.not_before);
            let seconds = ((until - now).num_milliseconds().max(0) + 999) / 1000;
            let mut waiting = WaitingFor::new(code, format!("Tries again in {seconds} s: {}", row.message));
            waiting.until = Some(until);
            waiting
        }
        WaitingCode::OffPeak => {
            let Some(window) = queue.window(row.server_id) else {
                return WaitingFor::new(WaitingCode::Turn, "Waits for its turn");
            };
            let mut waiting = WaitingFor::new(
                code,
                format!(
                    "Waits for the off-peak window, which opens at {} ({})",
                    window.from.format("%H:%M"),
                    window.time_zone
                ),
            );
            waiting.until = Some(window.opens_at(now));
            waiting
        }
    }
}

fn for_other(code: WaitingCode, words: &str, other: Option<&Blocker>) -> WaitingFor {
    // Ended since the reason was asked for: its own turn is next.
    let Some(other) = other else {
        return WaitingFor::new(WaitingCode::Turn, "Waits for its turn");
    };
    WaitingFor {
        title: Some(other.title.clone()),
        operation_id: Some(other.operation_id.clone()),
        subject: Some((other.server_id, other.repository.clone())),
        ..WaitingFor::new(code, format!("{words}: {}", other.title))
    }
}
