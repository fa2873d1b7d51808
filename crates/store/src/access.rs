use imagefleet_model::{Access, ServerId, builtin_roles};
use sea_orm::FromQueryResult;

use crate::{Result, Store, roles, sql, users};

#[derive(FromQueryResult)]
struct TagRow {
    id: ServerId,
    tags: String,
}

impl Store {
    /// What a user may do at this moment: grants with their roles' verbs and their tags resolved to servers.
    ///
    /// Read afresh every time, so that a right taken away is gone with the next request, in every program on the
    /// same database; it costs one small query unless own roles or tags are granted.
    pub async fn access(&self, user_id: i64) -> Result<Access> {
        let grants = users::grants_of(&self.db, &[user_id]).await?;
        let mut known = builtin_roles();
        if grants
            .iter()
            .any(|(_, grant)| !known.iter().any(|role| role.name == grant.role))
        {
            known = roles::roles(&self.db).await?;
        }
        let tagged = if grants.iter().any(|(_, grant)| !grant.servers.tags.is_empty()) {
            self.server_tags().await?
        } else {
            vec![]
        };
        let mut access = Access::default();
        for (_, grant) in grants {
            let Some(role) = known.iter().find(|role| role.name == grant.role) else {
                continue;
            };
            let servers = if grant.servers.all {
                None
            } else {
                let mut ids = grant.servers.ids;
                ids.extend(
                    tagged
                        .iter()
                        .filter(|(_, tags)| tags.iter().any(|tag| grant.servers.tags.contains(tag)))
                        .map(|(id, _)| *id),
                );
                ids.sort_unstable();
                ids.dedup();
                Some(ids)
            };
            access.add(role.verbs.clone(), servers, &grant.repositories);
        }
        Ok(access)
    }

    /// What every enabled user may do, each kind of rights once: who can be meant by a live event.
    pub async fn accesses(&self) -> Result<Vec<Access>> {
        #[derive(FromQueryResult)]
        struct Row {
            id: i64,
        }
        let users: Vec<Row> =
            sql::all(&self.db, "SELECT id FROM users WHERE disabled = FALSE", vec![]).await?;
        let mut accesses: Vec<Access> = vec![];
        for user in users {
            let access = self.access(user.id).await?;
            if !accesses.contains(&access) {
                accesses.push(access);
            }
        }
        Ok(accesses)
    }

    /// The ids of the enabled servers.
    pub async fn enabled_servers(&self) -> Result<Vec<ServerId>> {
        #[derive(FromQueryResult)]
        struct Row {
            id: ServerId,
        }
        let query = "SELECT id FROM servers WHERE enabled = TRUE ORDER BY name";
        let rows: Vec<Row> = sql::all(&self.db, query, vec![]).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn server_tags(&self) -> Result<Vec<(ServerId, Vec<String>)>> {
        let rows: Vec<TagRow> = sql::all(
            &self.db,
            "SELECT id, tags FROM servers WHERE tags <> '[]'",
            vec![],
        )
        .await?;
        rows.into_iter()
            .map(|row| Ok((row.id, sql::from_json(&row.tags)?)))
            .collect()
    }
}
