use sea_orm::{ConnectionTrait, FromQueryResult};
use serde_json::Value;

use crate::{Result, SealedPayload, SecretKey, Secrets, Store, StoreError, registries, servers, sql};

/// Rows read at once: payloads may be many and long.
const PIECE: i64 = 500;

/// How many secrets were sealed anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Of servers: TLS and SSH material.
    pub servers: u64,
    /// Of registries: passwords.
    pub registries: u64,
    /// Of operations: what their steps keep for a retry.
    pub steps: u64,
}

/// A column of sealed texts, and the place that a row's text is bound to.
struct Column {
    table: &'static str,
    name: &'static str,
    place: fn(i64) -> String,
}

const COLUMNS: [Column; 3] = [
    Column {
        table: "servers",
        name: "tls_secret",
        place: servers::tls_place,
    },
    Column {
        table: "servers",
        name: "ssh_secret",
        place: servers::ssh_place,
    },
    Column {
        table: "registries",
        name: "password_secret",
        place: registries::place,
    },
];

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    text: String,
}

impl Store {
    /// Seals every secret with a new key, in one transaction: when it is interrupted, the old key is still the one.
    /// The store must have been opened by [`Store::open_alone`], and is of no use afterwards: it holds the old key.
    pub async fn rotate_key(&self, new: &SecretKey) -> Result<Rotated> {
        let (old, new) = (self.secrets(), Secrets::new(new));
        let rotated = self
            .write(async |tx| {
                let mut rotated = Rotated::default();
                for column in &COLUMNS {
                    let count = reseal_column(tx, column, old, &new).await?;
                    match column.table {
                        "servers" => rotated.servers += count,
                        _ => rotated.registries += count,
                    }
                }
                rotated.steps = reseal_payloads(tx, old, &new).await?;
                sql::run(
                    tx,
                    "UPDATE settings SET value = $1 WHERE name = 'secret_key_id'",
                    vec![new.key_id().into()],
                )
                .await?;
                Ok(rotated)
            })
            .await?;
        if self.is_sqlite() {
            // What was sealed with the old key must not lie on in free pages and the log of a file that may be copied.
            self.db.execute_unprepared("VACUUM").await?;
            self.db
                .execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)")
                .await?;
        }
        Ok(rotated)
    }
}

async fn reseal_column(
    tx: &impl ConnectionTrait,
    column: &Column,
    old: &Secrets,
    new: &Secrets,
) -> Result<u64> {
    let Column { table, name, place } = column;
    let rows: Vec<Row> = sql::all(
        tx,
        &format!("SELECT id, {name} AS text FROM {table} WHERE {name} IS NOT NULL"),
        vec![],
    )
    .await?;
    let count = rows.len() as u64;
    for row in rows {
        let place = place(row.id);
        let sealed = new.seal(&place, &old.open(&place, &row.text)?)?;
        sql::run(
            tx,
            &format!("UPDATE {table} SET {name} = $2 WHERE id = $1"),
            vec![row.id.into(), sealed.into()],
        )
        .await?;
    }
    Ok(count)
}

async fn reseal_payloads(tx: &impl ConnectionTrait, old: &Secrets, new: &Secrets) -> Result<u64> {
    let (mut count, mut after) = (0, 0);
    loop {
        let rows: Vec<Row> = sql::all(
            tx,
            "SELECT id, payload AS text FROM operation_steps WHERE id > $1 AND payload LIKE '%\"sealed\":%'
             ORDER BY id LIMIT $2",
            vec![after.into(), PIECE.into()],
        )
        .await?;
        let Some(last) = rows.last() else { return Ok(count) };
        after = last.id;
        for row in rows {
            let mut payload: Value = serde_json::from_str(&row.text)?;
            reseal_within(&mut payload, old, new)?;
            count += 1;
            sql::run(
                tx,
                "UPDATE operation_steps SET payload = $2 WHERE id = $1",
                vec![row.id.into(), payload.to_string().into()],
            )
            .await?;
        }
    }
}

/// Seals what is sealed in there anew, however deep.
fn reseal_within(value: &mut Value, old: &Secrets, new: &Secrets) -> Result<()> {
    if let Some(sealed) = SealedPayload::of(value) {
        *value = serde_json::to_value(sealed.resealed(old, new)?).map_err(StoreError::from)?;
        return Ok(());
    }
    match value {
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| reseal_within(item, old, new)),
        Value::Object(fields) => fields
            .values_mut()
            .try_for_each(|field| reseal_within(field, old, new)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use imagefleet_model::{OperationKind, ServerSsh, SystemClock};
    use secrecy::ExposeSecret as _;
    use serde_json::{Value, json};

    use super::Rotated;
    use crate::{
        NewOperation, NewRegistry, NewServer, NewStep, SealedPayload, SecretKey, ServerSshSetting,
        SshSecrets, Store, StoreError, StoreOptions, sql, testing,
    };

    /// Of the test stores, and another one.
    const KEYS: [[u8; 32]; 2] = [[7; 32], [9; 32]];

    fn options(url: &str, key: [u8; 32]) -> StoreOptions {
        StoreOptions {
            url: url.to_owned(),
            key: SecretKey::from_bytes(key),
            clock: Arc::new(SystemClock),
        }
    }

    /// A secret of each kind; the ids of the server and the registry.
    async fn fill(store: &Store) -> (i64, i64) {
        let ssh = ServerSshSetting {
            secrets: SshSecrets {
                password: Some("planted-ssh".into()),
                ..SshSecrets::default()
            },
            info: ServerSsh::default(),
        };
        let server = NewServer {
            name: "a".to_owned(),
            endpoint: "ssh://u@a".parse().expect("valid"),
            description: String::new(),
            tags: vec![],
            enabled: true,
            tls: None,
            ssh: Some(ssh),
        };
        let server = store.create_server(server).await.expect("added").id;
        let registry = NewRegistry {
            name: "r".to_owned(),
            url: "https://r.test".to_owned(),
            host: "r.test".to_owned(),
            namespace: String::new(),
            username: Some("u".to_owned()),
            password: Some("planted-registry".into()),
            ca: None,
            plain_http: false,
        };
        let registry = store.create_registry(registry).await.expect("added").id;
        let sealed = store.seal_payload(&json!("planted-env")).expect("sealed");
        let step = NewStep {
            server_id: server,
            server_name: "a".to_owned(),
            image_id: None,
            repository: None,
            tag: None,
            payload: json!({"deep": [{"spec": sealed}]}),
            exclusive: true,
            bulk: false,
            share_key: None,
        };
        let operation = NewOperation {
            kind: OperationKind::CreateContainer,
            title: "t".to_owned(),
            user_id: None,
            created_by: "u".to_owned(),
            request: json!({}),
            steps: vec![step],
        };
        store.create_operation(operation).await.expect("written");
        (server, registry)
    }

    #[tokio::test]
    async fn every_secret_opens_with_the_new_key_alone() {
        for at in testing::stores().await {
            let (server, registry) = fill(&at.store).await;
            let url = at.url.clone();
            assert!(
                Store::open_alone(options(&url, KEYS[0])).await.is_err(),
                "a program that runs would go on with the old key"
            );
            at.store.close().await;

            let store = Store::open_alone(options(&url, KEYS[0])).await.expect("alone");
            let rotated = store
                .rotate_key(&SecretKey::from_bytes(KEYS[1]))
                .await
                .expect("rotated");
            assert_eq!(
                rotated,
                Rotated {
                    servers: 1,
                    registries: 1,
                    steps: 1
                }
            );
            assert!(
                Store::open(options(&url, KEYS[1])).await.is_err(),
                "not while it goes on"
            );
            store.close().await;
            let old = Store::open(options(&url, KEYS[0])).await;
            assert!(matches!(old, Err(StoreError::WrongKey)));

            let store = Store::open(options(&url, KEYS[1])).await.expect("the new key");
            let way = store.server_for_engine(server).await.expect("there");
            let password = way.ssh.and_then(|ssh| ssh.password).expect("kept");
            assert_eq!(password.expose_secret(), "planted-ssh");
            let account = store.registry_account(registry).await.expect("there");
            assert_eq!(
                account.password.expect("kept").expose_secret(),
                "planted-registry"
            );
            let step = store.claim_step("w", 1000).await.expect("read").expect("a step");
            let sealed = SealedPayload::of(&step.payload["deep"][0]["spec"]).expect("sealed");
            let opened: Value = store.open_payload(&sealed).expect("opens");
            assert_eq!(opened, "planted-env");
        }
    }

    #[tokio::test]
    async fn no_sealed_column_is_forgotten() {
        #[derive(sea_orm::FromQueryResult)]
        struct Found {
            place: String,
        }
        let at = testing::sqlite().await;
        let found: Vec<Found> = sql::all(
            &at.store.db,
            "SELECT m.name || '.' || c.name AS place FROM sqlite_master m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND c.name LIKE '%\\_secret' ESCAPE '\\' ORDER BY 1",
            vec![],
        )
        .await
        .expect("the schema");
        let found: Vec<String> = found.into_iter().map(|row| row.place).collect();
        let mut listed: Vec<String> = super::COLUMNS
            .iter()
            .map(|column| format!("{}.{}", column.table, column.name))
            .collect();
        listed.sort();
        assert_eq!(found, listed);
    }

    #[tokio::test]
    async fn what_does_not_end_changes_nothing() {
        let at = testing::sqlite().await;
        let (server, registry) = fill(&at.store).await;
        sql::run(
            &at.store.db,
            "UPDATE registries SET password_secret = 'v1:broken:' WHERE id = $1",
            vec![registry.into()],
        )
        .await
        .expect("broken");
        let rotated = at.store.rotate_key(&SecretKey::from_bytes(KEYS[1])).await;
        assert!(rotated.is_err());
        let way = at.store.server_for_engine(server).await.expect("still opens");
        let password = way.ssh.and_then(|ssh| ssh.password).expect("kept");
        assert_eq!(password.expose_secret(), "planted-ssh");
    }

    #[test]
    fn only_what_is_sealed_is_taken_for_such() {
        let part = |value: Value| SealedPayload::of(&value).is_some();
        assert!(part(json!({"place": "p", "sealed": "v1:a:b"})));
        assert!(!part(json!({"place": "p", "sealed": "v1:a:b", "more": 1})));
        assert!(!part(json!({"sealed": "v1:a:b"})) && !part(json!("v1:a:b")));
    }
}
