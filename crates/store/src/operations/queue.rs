use imagefleet_model::{OffPeak, ServerId, Timestamp};
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::{Result, sql};

/// How the queue lets steps run, unless a server or a registry says otherwise. Programs that share a database should
/// share these too: each claims by its own.
#[derive(Debug, Clone)]
pub struct QueueSettings {
    /// Changing steps that run on one server at once.
    pub server_limit: u32,
    /// Steps that pull from or push to one registry at once.
    pub registry_limit: u32,
    /// When work that can wait is done.
    pub off_peak: Option<OffPeak>,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            server_limit: 1,
            registry_limit: 16,
            off_peak: None,
        }
    }
}

#[derive(FromQueryResult)]
struct Window {
    id: i64,
    off_peak: String,
}

/// The queue as it stands at one moment: what holds a step back, as an expression of SQL. The claim, the answer to
/// readers, the announcement and the metrics all ask this one.
#[derive(Debug)]
pub struct Queue<'a> {
    settings: &'a QueueSettings,
    now: Timestamp,
    /// Windows that are closed, those of them that bulk steps wait for, and servers that have one of their own.
    closed: Vec<ServerId>,
    closed_bulk: Vec<ServerId>,
    windows: Vec<(ServerId, OffPeak)>,
}

impl<'a> Queue<'a> {
    /// Reads the windows; they are few.
    pub async fn at(db: &impl ConnectionTrait, settings: &'a QueueSettings, now: Timestamp) -> Result<Self> {
        let rows: Vec<Window> = sql::all(
            db,
            "SELECT id, off_peak FROM servers WHERE off_peak IS NOT NULL",
            vec![],
        )
        .await?;
        let mut queue = Self {
            settings,
            now,
            closed: Vec::new(),
            closed_bulk: Vec::new(),
            windows: Vec::with_capacity(rows.len()),
        };
        for row in rows {
            let window: OffPeak = sql::from_json(&row.off_peak)?;
            if !window.is_open(now) {
                queue.closed.push(row.id);
                if window.bulk {
                    queue.closed_bulk.push(row.id);
                }
            }
            queue.windows.push((row.id, window));
        }
        Ok(queue)
    }

    /// The window of a server.
    pub fn window(&self, server: ServerId) -> Option<OffPeak> {
        let own = self.windows.iter().find(|(id, _)| *id == server);
        own.map(|(_, window)| *window).or(self.settings.off_peak)
    }

    /// Why the queued step `s` on its server `v` does not run yet: the word of a `WaitingCode`. Our own numbers stand
    /// in the text, so that it can be put anywhere into a statement.
    pub fn reason(&self) -> String {
        let default = self.settings.off_peak.filter(|window| !window.is_open(self.now));
        let by_default = |closed: bool| if closed { "v.off_peak IS NULL" } else { "1 = 0" };
        format!(
            "CASE
               WHEN s.shared_with IS NOT NULL THEN 'shared'
               WHEN COALESCE(v.paused, FALSE) = TRUE THEN 'server_paused'
               WHEN s.not_before > {now} THEN 'retry'
               WHEN s.off_peak = TRUE AND (s.server_id IN ({closed}) OR {default_closed}) THEN 'off_peak'
               WHEN s.off_peak IS NULL AND s.bulk = TRUE
                AND (s.server_id IN ({closed_bulk}) OR {default_closed_bulk}) THEN 'off_peak'
               WHEN s.exclusive = TRUE AND (
                   SELECT COUNT(*) FROM operation_steps r WHERE r.server_id = s.server_id AND r.status = 'running'
                    AND r.exclusive = TRUE AND r.shared_with IS NULL) >= COALESCE(v.step_limit, {server_limit})
                   THEN 'server_busy'
               WHEN s.exclusive = TRUE AND EXISTS (
                   SELECT 1 FROM operation_steps r WHERE r.server_id = s.server_id AND r.status = 'running'
                    AND r.exclusive = TRUE AND r.shared_with IS NULL AND r.image_id = s.image_id) THEN 'server_busy'
               WHEN s.registry IS NOT NULL AND (
                   SELECT COUNT(*) FROM operation_steps r WHERE r.registry = s.registry AND r.status = 'running'
                    AND r.shared_with IS NULL)
                  >= COALESCE((SELECT MIN(g.step_limit) FROM registries g WHERE g.host = s.registry), {registry_limit})
                   THEN 'registry_busy'
               ELSE 'turn' END",
            now = self.now.timestamp_millis(),
            closed = sql::numbers(&self.closed),
            closed_bulk = sql::numbers(&self.closed_bulk),
            default_closed = by_default(default.is_some()),
            default_closed_bulk = by_default(default.is_some_and(|window| window.bulk)),
            server_limit = self.settings.server_limit,
            registry_limit = self.settings.registry_limit,
        )
    }
}
