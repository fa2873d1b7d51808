use std::collections::HashMap;

use imagefleet_model::{Access, Grant, ServerId, builtin_roles};
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
        Ok(self.resolved(grants).await?.remove(&user_id).unwrap_or_default())
    }

    /// The same for every enabled user with a grant, by user id, in as many queries as for one.
    pub async fn accesses(&self) -> Result<HashMap<i64, Access>> {
        let grants = users::grants_of_enabled(&self.db).await?;
        self.resolved(grants).await
    }

    async fn resolved(&self, grants: Vec<(i64, Grant)>) -> Result<HashMap<i64, Access>> {
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
        let mut accesses: HashMap<i64, Access> = HashMap::new();
        for (user, grant) in grants {
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
            accesses
                .entry(user)
                .or_default()
                .add(role.verbs.clone(), servers, &grant.repositories);
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use imagefleet_model::{Access, Grant, GrantServers, Verb};

    use crate::inventory::tests::add_server;
    use crate::testing::stores;
    use crate::{NewUser, Store, UserChange, sql};

    async fn add_user(store: &Store, name: &str, grants: Vec<Grant>) -> i64 {
        let new = NewUser {
            username: name.to_owned(),
            password_hash: String::new(),
            must_change_password: false,
            grants,
        };
        store.create_user(new).await.expect("a user").id
    }

    fn grant(role: &str, servers: GrantServers, repositories: &[&str]) -> Grant {
        Grant {
            role: role.to_owned(),
            servers,
            repositories: repositories.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[tokio::test]
    async fn everybodys_rights_are_those_of_each() {
        for test in stores().await {
            let store = &test.store;
            let (tagged, other) = (add_server(store, "a").await, add_server(store, "b").await);
            sql::run(
                &store.db,
                "UPDATE servers SET tags = '[\"eu\"]' WHERE id = $1",
                vec![tagged.into()],
            )
            .await
            .expect("tagged");
            store
                .create_role("puller", &[Verb::ImageView, Verb::ImagePull])
                .await
                .expect("a role");
            let everywhere = || GrantServers {
                all: true,
                ..GrantServers::default()
            };
            let in_eu = GrantServers {
                tags: vec!["eu".to_owned()],
                ..GrantServers::default()
            };
            let on_other = GrantServers {
                ids: vec![other],
                ..GrantServers::default()
            };
            let admin = add_user(store, "admin", vec![grant("admin", everywhere(), &["*"])]).await;
            let own = vec![
                grant("puller", in_eu, &["*"]),
                grant("viewer", on_other, &["team/*"]),
            ];
            let own = add_user(store, "own", own).await;
            let gone = add_user(store, "gone", vec![grant("admin", everywhere(), &["*"])]).await;
            let disabled = UserChange {
                disabled: Some(true),
                ..UserChange::default()
            };
            store.update_user(gone, disabled).await.expect("disabled");
            add_user(store, "nothing", vec![]).await;

            let all = store.accesses().await.expect("read");
            let mut each: HashMap<i64, Access> = HashMap::new();
            for user in [admin, own] {
                each.insert(user, store.access(user).await.expect("read"));
            }
            assert_eq!(all, each);
            assert!(all[&own].on_image(Verb::ImagePull, tagged, "nginx"));
            assert!(!all[&own].on_image(Verb::ImagePull, other, "team/app"));
            assert!(all[&own].on_image(Verb::ImageView, other, "team/app"));
            assert!(!all[&own].on_image(Verb::ImageView, other, "nginx"));
        }
    }
}
