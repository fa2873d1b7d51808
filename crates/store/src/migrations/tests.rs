use sea_orm::ConnectionTrait as _;

use super::{names, run};
use crate::testing::{self, TestStore};
use crate::{NewRegistry, StoreError};

/// What takes a database back to the first schema but for the audit log; the last index is left.
const BACK: &[&str] = &[
    "ALTER TABLE server_inventories DROP COLUMN version",
    "DROP INDEX servers_off_peak",
    "ALTER TABLE servers DROP COLUMN step_limit",
    "ALTER TABLE servers DROP COLUMN off_peak",
    "ALTER TABLE registries DROP COLUMN step_limit",
    "ALTER TABLE operation_steps DROP COLUMN off_peak",
    "ALTER TABLE operation_steps DROP COLUMN queued_at",
    "ALTER TABLE operation_steps DROP COLUMN waiting",
    "DELETE FROM seaql_migrations WHERE version IN ('queue', 'inventory_versions')",
];

async fn all(at: &TestStore, statements: &[&str]) {
    for statement in statements {
        let done = at.store.db.execute_unprepared(statement).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

async fn has(at: &TestStore, column: &str, table: &str) -> bool {
    let asked = format!("SELECT {column} FROM {table} LIMIT 1");
    at.store.db.execute_unprepared(&asked).await.is_ok()
}

#[tokio::test]
async fn an_upgrade_is_made_as_a_whole_or_not_at_all_and_keeps_what_is_there() {
    for at in testing::stores().await {
        let registry = NewRegistry {
            name: "kept".to_owned(),
            url: "https://r.test".to_owned(),
            host: "r.test".to_owned(),
            namespace: String::new(),
            username: Some("ann".to_owned()),
            password: Some("pass:word".into()),
            ca: None,
            plain_http: false,
        };
        let registry = at.store.create_registry(registry).await.expect("stored");
        all(&at, BACK).await;

        // Its last statement makes an index and the column below it: the index is there, and refuses it.
        let error = run(&at.store.db).await.expect_err("it cannot be done");
        assert!(matches!(error, StoreError::Database(_)), "{error}");
        assert!(!has(&at, "step_limit", "servers").await, "nothing was done");
        let schema = at.store.schema().await.expect("read");
        assert_eq!(schema.missing, ["queue", "inventory_versions"]);

        all(
            &at,
            &[
                "DROP INDEX operation_steps_registry",
                "ALTER TABLE operation_steps DROP COLUMN registry",
            ],
        )
        .await;
        run(&at.store.db).await.expect("brought up to date");
        assert!(has(&at, "version", "server_inventories").await);
        assert_eq!(
            at.store.schema().await.expect("read").applied.len(),
            names().len()
        );
        let account = at.store.registry_account(registry.id).await.expect("kept");
        assert!(account.registry.name == "kept" && account.password.is_some());
    }
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_untouched() {
    for at in testing::stores().await {
        all(
            &at,
            &[
                "INSERT INTO seaql_migrations (version, applied_at) VALUES ('of_tomorrow', 1)",
                "DELETE FROM seaql_migrations WHERE version = 'inventory_versions'",
                "ALTER TABLE server_inventories DROP COLUMN version",
            ],
        )
        .await;
        let error = run(&at.store.db).await.expect_err("refused");
        assert!(
            matches!(error, StoreError::Newer(_)) && error.to_string().contains("of_tomorrow"),
            "{error}"
        );
        assert!(!has(&at, "version", "server_inventories").await);
    }
}
