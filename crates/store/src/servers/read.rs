use std::collections::HashMap;

use imagefleet_model::{Access, ErrorCode, Failure, Server, ServerId, Verb};
use sea_orm::{FromQueryResult, Value};

use super::row::{COLUMNS, ServerRow, endpoint};
use super::{EngineServer, secrets};
use crate::{Result, Store, StoreError, scope, sql};

#[derive(FromQueryResult)]
struct EngineRow {
    id: i64,
    name: String,
    enabled: bool,
    generation: i64,
    endpoint: String,
    tls_secret: Option<String>,
    ssh_secret: Option<String>,
    ssh_host_key: Option<String>,
}

#[derive(FromQueryResult)]
struct SeenCount {
    server_id: i64,
    images: i64,
    bytes: i64,
}

impl Store {
    /// One server as this caller may see it; `None` when there is none or the caller may see none of it.
    pub async fn server(&self, id: ServerId, access: &Access) -> Result<Option<Server>> {
        if !access.on_server(Verb::ImageView, id) && !access.on_server(Verb::ServerManage, id) {
            return Ok(None);
        }
        let row: Option<ServerRow> = sql::one(
            &self.db,
            &format!("SELECT {COLUMNS} FROM servers v WHERE v.id = $1"),
            vec![id.into()],
        )
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut server = [row.into_server(self.clock.now())?];
        self.count_what_is_seen(&mut server, access).await?;
        let [server] = server;
        Ok(Some(server))
    }

    /// One server that must be there and be visible to this caller.
    pub async fn existing_server(&self, id: ServerId, access: &Access) -> Result<Server> {
        self.server(id, access).await?.ok_or_else(|| not_found(id))
    }

    /// The name of a server that must be there.
    pub async fn server_name(&self, id: ServerId) -> Result<String> {
        let row: Option<EngineRow> = self.engine_row(id).await?;
        row.map(|row| row.name).ok_or_else(|| not_found(id))
    }

    /// A server with its secrets opened, for the connector.
    pub async fn server_for_engine(&self, id: ServerId) -> Result<EngineServer> {
        let row = self.engine_row(id).await?.ok_or_else(|| not_found(id))?;
        let open_tls = |stored: &String| secrets::open_tls(&self.secrets, id, stored);
        let open_ssh = |stored: &String| secrets::open_ssh(&self.secrets, id, stored);
        Ok(EngineServer {
            id: row.id,
            name: row.name,
            enabled: row.enabled,
            generation: row.generation,
            endpoint: endpoint(&row.endpoint)?,
            tls: row.tls_secret.as_ref().map(open_tls).transpose()?,
            ssh: row.ssh_secret.as_ref().map(open_ssh).transpose()?,
            host_key: row.ssh_host_key,
        })
    }

    /// Whether a server is enabled, and the generation of the way to it: cheap enough to ask before every use.
    pub async fn server_generation(&self, id: ServerId) -> Result<(bool, i64)> {
        #[derive(FromQueryResult)]
        struct Row {
            enabled: bool,
            generation: i64,
        }
        let row: Option<Row> = sql::one(
            &self.db,
            "SELECT enabled, generation FROM servers WHERE id = $1",
            vec![id.into()],
        )
        .await?;
        row.map(|row| (row.enabled, row.generation))
            .ok_or_else(|| not_found(id))
    }

    async fn engine_row(&self, id: ServerId) -> Result<Option<EngineRow>> {
        sql::one(
            &self.db,
            "SELECT id, name, enabled, generation, endpoint, tls_secret, ssh_secret, ssh_host_key
             FROM servers WHERE id = $1",
            vec![id.into()],
        )
        .await
    }

    /// The stored figures are those of everything; who may see a part is shown that part's.
    pub(super) async fn count_what_is_seen(&self, servers: &mut [Server], access: &Access) -> Result<()> {
        let partly: Vec<ServerId> = servers
            .iter()
            .map(|server| server.id)
            .filter(|id| !access.on_whole_server(Verb::ImageView, *id))
            .collect();
        if partly.is_empty() {
            return Ok(());
        }
        let mut values: Vec<Value> = Vec::new();
        let seen = scope::condition(
            access,
            Verb::ImageView,
            "i.server_id",
            "r.repository",
            &mut values,
        )
        .unwrap_or_else(|| "TRUE".to_owned());
        let ids = sql::placeholders(values.len(), partly.len());
        values.extend(partly.iter().map(|id| Value::from(*id)));
        let rows: Vec<SeenCount> = sql::all(
            &self.db,
            &format!(
                "SELECT c.server_id, CAST(SUM(c.images) AS BIGINT) AS images, CAST(SUM(c.bytes) AS BIGINT) AS bytes
                 FROM (SELECT i.server_id, i.engine_id, COUNT(*) AS images, MAX(i.size) AS bytes
                       FROM images i JOIN image_references r ON r.id = i.reference_id
                       WHERE {seen} AND i.server_id IN ({ids}) GROUP BY i.server_id, i.engine_id) c
                 GROUP BY c.server_id"
            ),
            values,
        )
        .await?;
        let counts: HashMap<i64, SeenCount> = rows.into_iter().map(|row| (row.server_id, row)).collect();
        for server in servers.iter_mut().filter(|server| partly.contains(&server.id)) {
            let count = counts.get(&server.id);
            server.image_count = count.map_or(0, |count| sql::unsigned(count.images));
            server.total_size = count.map_or(0, |count| sql::unsigned(count.bytes));
        }
        Ok(())
    }
}

pub fn not_found(id: ServerId) -> StoreError {
    StoreError::Refused(Failure::new(
        ErrorCode::ServerNotFound,
        format!("There is no server with the id {id}."),
    ))
}
