use imagefleet_model::{Access, ErrorCode, Failure, Server, ServerId, ServerSsh};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::ServerChange;
use super::create::{UNCHECKED, store_ssh, store_tls};
use super::read::not_found;
use super::secrets::{open_ssh, seal_ssh};
use crate::{Result, Store, StoreError, sql};

#[derive(FromQueryResult)]
struct Present {
    enabled: bool,
    generation: i64,
}

impl Store {
    /// Changes a server. Its way gets a new generation when anything of it changed, so that every program connects anew.
    pub async fn update_server(&self, id: ServerId, change: ServerChange) -> Result<Server> {
        let now = self.now_ms();
        let secrets = self.secrets.clone();
        self.write(async |tx| {
            let present: Option<Present> =
                sql::one(tx, "SELECT enabled, generation FROM servers WHERE id = $1", vec![id.into()]).await?;
            let present = present.ok_or_else(|| not_found(id))?;
            if change.generation.is_some_and(|generation| generation != present.generation) {
                return Err(StoreError::Refused(Failure::new(
                    ErrorCode::Conflict,
                    "Somebody else changed this server at the same time. Look at it again and repeat the change.",
                )));
            }
            let mut sets = vec!["updated_at = $2".to_owned()];
            let mut values: Vec<Value> = vec![id.into(), now.into()];
            let mut set = |column: &str, value: Value| {
                values.push(value);
                sets.push(format!("{column} = ${}", values.len()));
            };
            let switched = change.enabled.filter(|enabled| *enabled != present.enabled);
            let new_way = change.endpoint.is_some() || change.tls.is_some() || change.ssh.is_some();
            if let Some(name) = &change.name {
                set("name", name.clone().into());
            }
            if let Some(endpoint) = &change.endpoint {
                set("endpoint", endpoint.to_string().into());
            }
            if let Some(description) = &change.description {
                set("description", description.clone().into());
            }
            if let Some(tags) = &change.tags {
                set("tags", sql::json(tags)?.into());
            }
            if let Some(paused) = change.paused {
                set("paused", paused.into());
            }
            if let Some(limit) = change.step_limit {
                set("step_limit", limit.map(i64::from).into());
            }
            if let Some(off_peak) = &change.off_peak {
                set("off_peak", off_peak.as_ref().map(sql::json).transpose()?.into());
            }
            if let Some(enabled) = switched {
                set("enabled", enabled.into());
                set("status", if enabled { "offline" } else { "disabled" }.into());
                set("status_code", Option::<String>::None.into());
                set("status_reason", enabled.then_some(UNCHECKED).into());
                set("status_since", now.into());
            }
            if new_way || switched.is_some() {
                sets.push("generation = generation + 1".to_owned());
            }
            sql::run(tx, &format!("UPDATE servers SET {} WHERE id = $1", sets.join(", ")), values).await?;
            if let Some(tls) = &change.tls {
                store_tls(tx, &secrets, id, tls.as_ref()).await?;
            }
            if let Some(ssh) = &change.ssh {
                store_ssh(tx, &secrets, id, ssh.as_ref()).await?;
            }
            Ok(())
        })
        .await?;
        self.existing_server(id, &Access::full()).await
    }

    /// Pins the host key that a server showed first; one that is pinned stays. The way stays of its generation: the
    /// connection that met the key holds on to it by itself.
    pub async fn pin_host_key(&self, id: ServerId, fingerprint: &str) -> Result<bool> {
        let unpinned = sql::number(
            &self.db,
            "SELECT COUNT(*) FROM servers WHERE id = $1 AND ssh_host_key IS NULL",
            vec![id.into()],
        )
        .await?;
        // Asked at every look at a server: writing would wait for the writer's turn each time.
        if unpinned == 0 {
            return Ok(false);
        }
        let touched = self
            .write(async |tx| {
                sql::run(
                    tx,
                    "UPDATE servers SET ssh_host_key = $1
                     WHERE id = $2 AND ssh_host_key IS NULL",
                    vec![fingerprint.to_owned().into(), id.into()],
                )
                .await
            })
            .await?;
        Ok(touched > 0)
    }

    /// The same for the machine before a server.
    pub async fn pin_jump_key(&self, id: ServerId, fingerprint: &str) -> Result<bool> {
        if self.unpinned_jump(&self.db, id).await?.is_none() {
            return Ok(false);
        }
        let secrets = self.secrets().clone();
        self.write(async |tx| {
            let Some((sealed, mut info)) = self.unpinned_jump(tx, id).await? else {
                return Ok(false);
            };
            let mut ssh = open_ssh(&secrets, id, &sealed)?;
            let kept = ssh.jump.as_mut().map(|jump| &mut jump.host_key);
            let shown = info.jump.as_mut().map(|jump| &mut jump.host_key);
            for pinned in kept.into_iter().chain(shown) {
                *pinned = Some(fingerprint.to_owned());
            }
            // Unless somebody has changed it in between.
            let touched = sql::run(
                tx,
                "UPDATE servers SET ssh_secret = $2, ssh_info = $3 WHERE id = $1 AND ssh_secret = $4",
                vec![
                    id.into(),
                    seal_ssh(&secrets, id, &ssh)?.into(),
                    sql::json(&info)?.into(),
                    sealed.into(),
                ],
            );
            Ok(touched.await? > 0)
        })
        .await
    }

    /// The SSH of a server behind a machine whose key is not pinned: sealed, and what people see of it.
    async fn unpinned_jump(
        &self,
        db: &impl ConnectionTrait,
        id: ServerId,
    ) -> Result<Option<(String, ServerSsh)>> {
        #[derive(FromQueryResult)]
        struct Row {
            ssh_secret: String,
            ssh_info: String,
        }
        let row: Option<Row> = sql::one(
            db,
            "SELECT ssh_secret, ssh_info FROM servers
             WHERE id = $1 AND ssh_secret IS NOT NULL AND ssh_info IS NOT NULL",
            vec![id.into()],
        )
        .await?;
        let Some(row) = row else { return Ok(None) };
        let info: ServerSsh = sql::from_json(&row.ssh_info)?;
        let unpinned = info.jump.as_ref().is_some_and(|jump| jump.host_key.is_none());
        Ok(unpinned.then_some((row.ssh_secret, info)))
    }
}
