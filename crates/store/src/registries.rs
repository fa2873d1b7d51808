//! Accounts on registries. Passwords are sealed; only [`Store::registry_account`] and its kin open them.

use imagefleet_model::{ErrorCode, Failure, ImageRef, Page, PageRequest, Registry, RegistryAuth};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{Result, Secrets, Store, StoreError, sql};

/// A registry account to be added.
#[derive(Debug, Clone)]
pub struct NewRegistry {
    /// Unique name.
    pub name: String,
    /// Where its API answers.
    pub url: String,
    /// Host and port as references spell it.
    pub host: String,
    /// Below which repositories it is chosen by itself; empty for all.
    pub namespace: String,
    /// The account.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SecretString>,
    /// PEM certificates trusted for it.
    pub ca: Option<String>,
    /// Whether it may be spoken to without TLS.
    pub plain_http: bool,
}

/// What to change of a registry; `None` leaves as it is, `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct RegistryChange {
    /// A new name.
    pub name: Option<String>,
    /// A new address and the host that follows from it.
    pub url: Option<(String, String)>,
    /// A new namespace.
    pub namespace: Option<String>,
    /// A new account.
    pub username: Option<Option<String>>,
    /// A new password.
    pub password: Option<Option<SecretString>>,
    /// New certificates.
    pub ca: Option<Option<String>>,
    /// Allow or forbid plain HTTP.
    pub plain_http: Option<bool>,
}

/// A registry with its password opened, for its client.
#[derive(Debug, Clone)]
pub struct RegistryAccount {
    /// What people see.
    pub registry: Registry,
    /// The password.
    pub password: Option<SecretString>,
}

impl RegistryAccount {
    /// What goes along with one request to an engine; `None` when there is nothing to log in with.
    #[must_use]
    pub fn auth(&self) -> Option<RegistryAuth> {
        Some(RegistryAuth {
            server_address: self.registry.host.clone(),
            username: self.registry.username.clone()?,
            password: self.password.as_ref()?.expose_secret().to_owned(),
        })
    }
}

#[derive(FromQueryResult)]
struct RegistryRow {
    id: i64,
    name: String,
    url: String,
    host: String,
    namespace: String,
    username: Option<String>,
    password_secret: Option<String>,
    ca: Option<String>,
    plain_http: bool,
    created_at: i64,
    updated_at: i64,
}

impl RegistryRow {
    fn into_registry(self) -> Registry {
        Registry {
            id: self.id,
            name: self.name,
            url: self.url,
            host: self.host,
            namespace: self.namespace,
            username: self.username,
            has_password: self.password_secret.is_some(),
            ca: self.ca,
            plain_http: self.plain_http,
            created_at: sql::time(self.created_at),
            updated_at: sql::time(self.updated_at),
        }
    }

    fn into_account(self, secrets: &Secrets) -> Result<RegistryAccount> {
        let open = |stored: &String| secrets.open(&place(self.id), stored);
        Ok(RegistryAccount {
            password: self.password_secret.as_ref().map(open).transpose()?,
            registry: self.into_registry(),
        })
    }
}

const COLUMNS: &str =
    "id, name, url, host, namespace, username, password_secret, ca, plain_http, created_at, updated_at";

/// To what a registry's password is bound.
pub(crate) fn place(id: i64) -> String {
    format!("registries|{id}|password")
}

fn not_found(id: i64) -> StoreError {
    StoreError::Refused(Failure::new(
        ErrorCode::NotFound,
        format!("There is no registry with the id {id}."),
    ))
}

impl Store {
    /// A page of registries by name, those whose name, host, namespace or account contains `search` when given.
    pub async fn registries(&self, search: Option<&str>, page: PageRequest) -> Result<Page<Registry>> {
        let pattern = sql::contains(search.unwrap_or_default());
        let matches = "lower(name) LIKE $1 ESCAPE '\\' OR lower(host) LIKE $1 ESCAPE '\\' \
                       OR lower(namespace) LIKE $1 ESCAPE '\\' OR lower(COALESCE(username, '')) LIKE $1 ESCAPE '\\'";
        let total = sql::number(
            &self.db,
            &format!("SELECT COUNT(*) FROM registries WHERE {matches}"),
            vec![pattern.clone().into()],
        )
        .await?;
        let rows: Vec<RegistryRow> = sql::all(
            &self.db,
            &format!("SELECT {COLUMNS} FROM registries WHERE {matches} ORDER BY name LIMIT $2 OFFSET $3"),
            vec![
                pattern.into(),
                sql::signed(page.size).into(),
                sql::signed(page.offset()).into(),
            ],
        )
        .await?;
        let items = rows.into_iter().map(RegistryRow::into_registry).collect();
        Ok(Page::new(items, sql::unsigned(total), page))
    }

    /// One registry that must be there.
    pub async fn registry(&self, id: i64) -> Result<Registry> {
        Ok(registry_row(&self.db, id).await?.into_registry())
    }

    /// One registry that must be there, with its password.
    pub async fn registry_account(&self, id: i64) -> Result<RegistryAccount> {
        registry_row(&self.db, id).await?.into_account(&self.secrets)
    }

    /// The account for a reference: of those on its host, the one with the longest namespace that the repository lies
    /// in; the older one of two equals.
    pub async fn registry_account_for(&self, reference: &ImageRef) -> Result<Option<RegistryAccount>> {
        let rows: Vec<RegistryRow> = sql::all(
            &self.db,
            &format!("SELECT {COLUMNS} FROM registries WHERE host = $1 ORDER BY id"),
            vec![reference.registry().to_owned().into()],
        )
        .await?;
        let mut best: Option<RegistryRow> = None;
        for row in rows {
            if within(reference.path(), &row.namespace)
                && best
                    .as_ref()
                    .is_none_or(|best| row.namespace.len() > best.namespace.len())
            {
                best = Some(row);
            }
        }
        best.map(|row| row.into_account(&self.secrets)).transpose()
    }

    /// Adds a registry. The password is bound to its row, so it follows in the same transaction.
    pub async fn create_registry(&self, new: NewRegistry) -> Result<Registry> {
        let now = self.now_ms();
        let secrets = self.secrets.clone();
        let id = self
            .write(async |tx| {
                let id = sql::number(
                    tx,
                    "INSERT INTO registries (name, url, host, namespace, username, ca, plain_http, created_at, updated_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id",
                    vec![
                        new.name.into(),
                        new.url.into(),
                        new.host.into(),
                        new.namespace.into(),
                        new.username.into(),
                        new.ca.into(),
                        new.plain_http.into(),
                        now.into(),
                    ],
                )
                .await?;
                if let Some(password) = &new.password {
                    store_password(tx, &secrets, id, Some(password)).await?;
                }
                Ok(id)
            })
            .await?;
        self.registry(id).await
    }

    /// Changes a registry.
    pub async fn update_registry(&self, id: i64, change: RegistryChange) -> Result<Registry> {
        let now = self.now_ms();
        let secrets = self.secrets.clone();
        self.write(async |tx| {
            registry_row(tx, id).await?;
            let mut sets = vec!["updated_at = $2".to_owned()];
            let mut values: Vec<Value> = vec![id.into(), now.into()];
            let mut set = |column: &str, value: Value| {
                values.push(value);
                sets.push(format!("{column} = ${}", values.len()));
            };
            if let Some(name) = &change.name {
                set("name", name.clone().into());
            }
            if let Some((url, host)) = &change.url {
                set("url", url.clone().into());
                set("host", host.clone().into());
            }
            if let Some(namespace) = &change.namespace {
                set("namespace", namespace.clone().into());
            }
            if let Some(username) = &change.username {
                set("username", username.clone().into());
            }
            if let Some(ca) = &change.ca {
                set("ca", ca.clone().into());
            }
            if let Some(plain_http) = change.plain_http {
                set("plain_http", plain_http.into());
            }
            sql::run(
                tx,
                &format!("UPDATE registries SET {} WHERE id = $1", sets.join(", ")),
                values,
            )
            .await?;
            if let Some(password) = &change.password {
                store_password(tx, &secrets, id, password.as_ref()).await?;
            }
            Ok(())
        })
        .await?;
        self.registry(id).await
    }

    /// Forgets a registry and its password.
    pub async fn delete_registry(&self, id: i64) -> Result<()> {
        let gone = self
            .write(async |tx| sql::run(tx, "DELETE FROM registries WHERE id = $1", vec![id.into()]).await)
            .await?;
        if gone == 0 { Err(not_found(id)) } else { Ok(()) }
    }
}

async fn registry_row(db: &impl ConnectionTrait, id: i64) -> Result<RegistryRow> {
    let row = sql::one(
        db,
        &format!("SELECT {COLUMNS} FROM registries WHERE id = $1"),
        vec![id.into()],
    )
    .await?;
    row.ok_or_else(|| not_found(id))
}

async fn store_password(
    tx: &impl ConnectionTrait,
    secrets: &Secrets,
    id: i64,
    password: Option<&SecretString>,
) -> Result<()> {
    let sealed = password
        .map(|password| secrets.seal(&place(id), password))
        .transpose()?;
    sql::run(
        tx,
        "UPDATE registries SET password_secret = $1 WHERE id = $2",
        vec![sealed.into(), id.into()],
    )
    .await?;
    Ok(())
}

/// Whether a repository is the namespace itself or lies below it; everything lies below the empty one.
fn within(path: &str, namespace: &str) -> bool {
    namespace.is_empty()
        || path
            .strip_prefix(namespace)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use imagefleet_model::{ImageRef, PageRequest};
    use secrecy::ExposeSecret as _;

    use super::{NewRegistry, RegistryChange, within};
    use crate::{StoreError, testing};

    fn account(name: &str, host: &str, namespace: &str) -> NewRegistry {
        NewRegistry {
            name: name.to_owned(),
            url: format!("https://{host}"),
            host: host.to_owned(),
            namespace: namespace.to_owned(),
            username: Some(name.to_owned()),
            password: Some(format!("pw-{name}").into()),
            ca: None,
            plain_http: false,
        }
    }

    #[test]
    fn a_namespace_ends_at_a_slash() {
        assert!(within("team/app", "team") && within("team", "team") && within("x", ""));
        assert!(!within("teams/app", "team") && !within("tea", "team"));
    }

    #[tokio::test]
    async fn the_longest_namespace_of_the_host_wins() {
        for at in testing::stores().await {
            let store = &at.store;
            for (name, host, namespace) in [
                ("all", "r.test:5000", ""),
                ("team", "r.test:5000", "team"),
                ("deep", "r.test:5000", "team/sub"),
            ] {
                store
                    .create_registry(account(name, host, namespace))
                    .await
                    .expect("added");
            }
            let chosen = async |text: &str| {
                let reference = ImageRef::parse(text).expect("valid");
                let account = store.registry_account_for(&reference).await.expect("read");
                account
                    .and_then(|account| account.auth())
                    .map(|auth| (auth.username, auth.password))
            };
            let pair = |name: &str| Some((name.to_owned(), format!("pw-{name}")));
            assert_eq!(chosen("r.test:5000/team/sub/app:1").await, pair("deep"));
            assert_eq!(chosen("r.test:5000/team/app:1").await, pair("team"));
            assert_eq!(chosen("r.test:5000/teams/app:1").await, pair("all"));
            assert_eq!(chosen("r.test/team/app:1").await, None);
            assert_eq!(chosen("nginx").await, None);
        }
    }

    #[tokio::test]
    async fn passwords_are_sealed_replaced_and_cleared() {
        for at in testing::stores().await {
            let store = &at.store;
            let made = store
                .create_registry(account("one", "docker.io", ""))
                .await
                .expect("added");
            assert!(made.has_password);
            assert!(matches!(
                store.create_registry(account("one", "other", "")).await,
                Err(StoreError::Taken(_))
            ));
            let change = RegistryChange {
                namespace: Some("team".to_owned()),
                ..RegistryChange::default()
            };
            let kept = store.update_registry(made.id, change).await.expect("changed");
            assert!(kept.has_password && kept.namespace == "team" && kept.username.as_deref() == Some("one"));
            let account = store.registry_account(made.id).await.expect("read");
            assert_eq!(
                account
                    .password
                    .as_ref()
                    .map(|p| p.expose_secret().to_owned())
                    .as_deref(),
                Some("pw-one")
            );
            assert!(!format!("{account:?}").contains("pw-one"));
            let change = RegistryChange {
                password: Some(None),
                ..RegistryChange::default()
            };
            assert!(
                !store
                    .update_registry(made.id, change)
                    .await
                    .expect("changed")
                    .has_password
            );
            let page = store
                .registries(Some("ONE"), PageRequest::default())
                .await
                .expect("listed");
            assert_eq!((page.total, page.items.len()), (1, 1));
            store.delete_registry(made.id).await.expect("gone");
            assert!(store.delete_registry(made.id).await.is_err() && store.registry(made.id).await.is_err());
        }
    }
}
