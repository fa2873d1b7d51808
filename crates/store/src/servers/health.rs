use imagefleet_model::{EngineInfo, Failure, ServerId};
use sea_orm::FromQueryResult;

use super::HealthChange;
use crate::{Result, Store, sql};

/// How old the stored moment of the last answer may get before it is written again although nothing else changed.
const LAST_SEEN_EVERY_MS: i64 = 30_000;

#[derive(FromQueryResult, PartialEq, Eq)]
struct Told {
    engine_version: Option<String>,
    api_version: Option<String>,
    image_store: Option<String>,
    platform: Option<String>,
    memory_bytes: Option<i64>,
    cpus: Option<i64>,
}

#[derive(FromQueryResult)]
struct Seen {
    status: String,
    status_code: Option<String>,
    status_reason: Option<String>,
    last_seen_at: Option<i64>,
}

impl Store {
    /// The engine answered. Nothing is written when nothing is new; a server disabled or gone meanwhile stays so.
    pub async fn set_server_online(&self, id: ServerId, info: &EngineInfo) -> Result<HealthChange> {
        let now = self.now_ms();
        let told = Told {
            engine_version: Some(info.engine_version.clone()),
            api_version: Some(info.api_version.clone()),
            image_store: Some(info.image_store.as_str().to_owned()),
            platform: Some(info.platform.clone()),
            memory_bytes: info.memory_bytes.map(sql::signed),
            cpus: info.cpus.map(i64::from),
        };
        let Some(seen) = self.seen(id).await? else {
            return Ok(HealthChange::default());
        };
        let known: Option<Told> = sql::one(
            &self.db,
            "SELECT engine_version, api_version, image_store, platform, memory_bytes, cpus FROM servers WHERE id = $1",
            vec![id.into()],
        )
        .await?;
        let change = HealthChange {
            changed: seen.status != "online" || known.as_ref() != Some(&told),
        };
        if !change.changed && seen.last_seen_at.is_some_and(|at| now - at < LAST_SEEN_EVERY_MS) {
            return Ok(change);
        }
        let touched = self
            .write(async |tx| {
                sql::run(
                    tx,
                    "UPDATE servers SET
                        status_since = CASE WHEN status = 'online' THEN status_since ELSE $2 END,
                        status = 'online', status_code = NULL, status_reason = NULL, last_seen_at = $2,
                        engine_version = $3, api_version = $4, image_store = $5, platform = $6,
                        memory_bytes = $7, cpus = $8
                     WHERE id = $1 AND enabled = TRUE",
                    vec![
                        id.into(),
                        now.into(),
                        told.engine_version.into(),
                        told.api_version.into(),
                        told.image_store.into(),
                        told.platform.into(),
                        told.memory_bytes.into(),
                        told.cpus.into(),
                    ],
                )
                .await
            })
            .await?;
        Ok(if touched > 0 {
            change
        } else {
            HealthChange::default()
        })
    }

    /// The engine lives. Whether the server counts as online: who it is, is known then and need not be asked.
    pub async fn server_lives(&self, id: ServerId) -> Result<bool> {
        let now = self.now_ms();
        let Some(seen) = self.seen(id).await?.filter(|seen| seen.status == "online") else {
            return Ok(false);
        };
        if seen.last_seen_at.is_some_and(|at| now - at < LAST_SEEN_EVERY_MS) {
            return Ok(true);
        }
        let update =
            "UPDATE servers SET last_seen_at = $2 WHERE id = $1 AND enabled = TRUE AND status = 'online'";
        let touched = self
            .write(async |tx| sql::run(tx, update, vec![id.into(), now.into()]).await)
            .await?;
        Ok(touched > 0)
    }

    /// The engine did not answer. `status_since` stays while the server was offline already.
    pub async fn set_server_offline(&self, id: ServerId, why: &Failure) -> Result<HealthChange> {
        let now = self.now_ms();
        let Some(seen) = self.seen(id).await? else {
            return Ok(HealthChange::default());
        };
        let (code, reason) = (Some(why.code.as_str()), Some(why.message.as_str()));
        if seen.status == "offline"
            && seen.status_code.as_deref() == code
            && seen.status_reason.as_deref() == reason
        {
            return Ok(HealthChange::default());
        }
        let touched = self
            .write(async |tx| {
                sql::run(
                    tx,
                    "UPDATE servers SET
                        status_since = CASE WHEN status = 'offline' THEN status_since ELSE $2 END,
                        status = 'offline', status_code = $3, status_reason = $4
                     WHERE id = $1 AND enabled = TRUE",
                    vec![id.into(), now.into(), code.into(), reason.into()],
                )
                .await
            })
            .await?;
        Ok(HealthChange { changed: touched > 0 })
    }

    async fn seen(&self, id: ServerId) -> Result<Option<Seen>> {
        sql::one(
            &self.db,
            "SELECT status, status_code, status_reason, last_seen_at FROM servers WHERE id = $1 AND enabled = TRUE",
            vec![id.into()],
        )
        .await
    }
}
