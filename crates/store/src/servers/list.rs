use std::fmt::Write as _;

use imagefleet_model::{Access, Page, PageRequest, Server, ServerStatus, Verb};
use sea_orm::{FromQueryResult, Value};

use super::ServerFilter;
use super::row::{COLUMNS, ServerRow};
use crate::{Result, Store, sql};

impl Store {
    /// A page of the servers that this caller may see, by name.
    pub async fn list_servers(
        &self,
        filter: &ServerFilter,
        access: &Access,
        page: PageRequest,
    ) -> Result<Page<Server>> {
        let mut values: Vec<Value> = Vec::new();
        let mut conditions = visible(access);
        if let Some(search) = filter.search.as_deref().filter(|search| !search.is_empty()) {
            values.push(sql::contains(search).into());
            let at = values.len();
            write!(
                conditions,
                " AND (lower(v.name) LIKE ${at} ESCAPE '\\' OR lower(v.endpoint) LIKE ${at} ESCAPE '\\'
                   OR lower(v.description) LIKE ${at} ESCAPE '\\')"
            )
            .ok();
        }
        if let Some(status) = filter.status {
            values.push(status.as_str().into());
            write!(conditions, " AND v.status = ${}", values.len()).ok();
        }
        if let Some(tag) = &filter.tag {
            // A tag holds nothing that JSON escapes: its place in the stored list is its text between quotes.
            values.push(sql::contains(&format!("\"{tag}\"")).into());
            write!(
                conditions,
                " AND lower(v.tags) LIKE ${} ESCAPE '\\'",
                values.len()
            )
            .ok();
        }
        let total = sql::number(
            &self.db,
            &format!("SELECT COUNT(*) FROM servers v WHERE {conditions}"),
            values.clone(),
        )
        .await?;
        let (limit, offset) = (values.len() + 1, values.len() + 2);
        values.push(sql::signed(page.size).into());
        values.push(sql::signed(page.offset()).into());
        let rows: Vec<ServerRow> = sql::all(
            &self.db,
            &format!(
                "SELECT {COLUMNS} FROM servers v WHERE {conditions} ORDER BY v.name LIMIT ${limit} OFFSET ${offset}"
            ),
            values,
        )
        .await?;
        let now = self.clock.now();
        let mut servers = rows
            .into_iter()
            .map(|row| row.into_server(now))
            .collect::<Result<Vec<_>>>()?;
        self.count_what_is_seen(&mut servers, access).await?;
        Ok(Page::new(servers, sql::unsigned(total), page))
    }
}

#[derive(FromQueryResult)]
struct Count {
    status: String,
    servers: i64,
}

impl Store {
    /// How many servers are in each status, those with none too.
    pub async fn servers_by_status(&self) -> Result<Vec<(ServerStatus, u64)>> {
        let rows: Vec<Count> = sql::all(
            &self.db,
            "SELECT status, COUNT(*) AS servers FROM servers GROUP BY status",
            vec![],
        )
        .await?;
        let statuses = [
            ServerStatus::Online,
            ServerStatus::Offline,
            ServerStatus::Disabled,
        ];
        Ok(statuses
            .into_iter()
            .map(|status| {
                let row = rows.iter().find(|row| row.status == status.as_str());
                (status, row.map_or(0, |row| sql::unsigned(row.servers)))
            })
            .collect())
    }
}

/// Who may see any image of a server, or manage it, may see the server.
fn visible(access: &Access) -> String {
    let mut ids = Vec::new();
    for (servers, _) in access
        .scopes(Verb::ImageView)
        .chain(access.scopes(Verb::ServerManage))
    {
        match servers {
            None => return "TRUE".to_owned(),
            Some(some) => ids.extend(some.iter().map(ToString::to_string)),
        }
    }
    if ids.is_empty() {
        "1 = 0".to_owned()
    } else {
        format!("v.id IN ({})", ids.join(", "))
    }
}
