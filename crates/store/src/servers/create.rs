use imagefleet_model::{Access, Server, ServerId};
use sea_orm::ConnectionTrait;

use super::{NewServer, ServerSshSetting, ServerTlsSetting, secrets};
use crate::{Result, Secrets, Store, sql};

/// What a server says of itself before it was looked at for the first time.
pub const UNCHECKED: &str = "It has not been checked yet.";

impl Store {
    /// Adds a server. Its secrets are bound to its row, so they follow in the same transaction.
    pub async fn create_server(&self, new: NewServer) -> Result<Server> {
        let now = self.now_ms();
        let secrets = self.secrets.clone();
        let id = self
            .write(async |tx| {
                let id = sql::number(
                    tx,
                    "INSERT INTO servers (name, endpoint, description, tags, enabled, status, status_reason,
                        status_since, created_at, updated_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8) RETURNING id",
                    vec![
                        new.name.into(),
                        new.endpoint.to_string().into(),
                        new.description.into(),
                        sql::json(&new.tags)?.into(),
                        new.enabled.into(),
                        if new.enabled { "offline" } else { "disabled" }.into(),
                        new.enabled.then_some(UNCHECKED).into(),
                        now.into(),
                    ],
                )
                .await?;
                store_tls(tx, &secrets, id, new.tls.as_ref()).await?;
                store_ssh(tx, &secrets, id, new.ssh.as_ref()).await?;
                Ok(id)
            })
            .await?;
        self.existing_server(id, &Access::full()).await
    }
}

pub async fn store_tls(
    tx: &impl ConnectionTrait,
    secrets: &Secrets,
    id: ServerId,
    tls: Option<&ServerTlsSetting>,
) -> Result<()> {
    let sealed = tls
        .map(|tls| secrets::seal_tls(secrets, id, &tls.secrets))
        .transpose()?;
    let info = tls.map(|tls| sql::json(&tls.info)).transpose()?;
    sql::run(
        tx,
        "UPDATE servers SET tls_secret = $1, tls_info = $2 WHERE id = $3",
        vec![sealed.into(), info.into(), id.into()],
    )
    .await?;
    Ok(())
}

pub async fn store_ssh(
    tx: &impl ConnectionTrait,
    secrets: &Secrets,
    id: ServerId,
    ssh: Option<&ServerSshSetting>,
) -> Result<()> {
    let sealed = ssh
        .map(|ssh| secrets::seal_ssh(secrets, id, &ssh.secrets))
        .transpose()?;
    let info = ssh.map(|ssh| sql::json(&ssh.info)).transpose()?;
    let host_key = ssh.and_then(|ssh| ssh.info.host_key.clone());
    sql::run(
        tx,
        "UPDATE servers SET ssh_secret = $1, ssh_info = $2, ssh_host_key = $3 WHERE id = $4",
        vec![sealed.into(), info.into(), host_key.into(), id.into()],
    )
    .await?;
    Ok(())
}
