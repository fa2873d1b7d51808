use imagefleet_model::{Access, PageRequest};
use sea_orm::ConnectionTrait as _;

use super::base::SQLITE_TEXTS;
use super::{names, run};
use crate::inventory::tests::{add_server, look_at};
use crate::testing::{self, TestStore};
use crate::{ImageFilter, ImageSort, NewRegistry, StoreError};

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

/// What takes a database back to before changes of the inventory had numbers.
const BACK_TO_COUNTS: &[&str] = &[
    "DROP TABLE inventory_changes",
    "DROP TABLE image_references_gone",
    "DROP INDEX image_references_changed",
    "ALTER TABLE image_references DROP COLUMN changed",
    "DROP INDEX servers_changed",
    "ALTER TABLE servers DROP COLUMN images_changed",
    "ALTER TABLE servers DROP COLUMN contents_changed",
    "CREATE INDEX image_references_blocks ON image_references (block, search)",
    "CREATE INDEX image_references_search ON image_references (search)",
    "CREATE INDEX image_references_tag ON image_references (tag)",
    "CREATE TABLE image_counts (server_id BIGINT NOT NULL, kind TEXT NOT NULL)",
    "DELETE FROM seaql_migrations WHERE version = 'inventory_changes'",
];

#[tokio::test]
async fn an_inventory_from_before_is_found_after_the_upgrade_and_goes_on() {
    for at in testing::stores().await {
        let server = add_server(&at.store, "a").await;
        let look = async |names: &[&str]| look_at(&at, server, names).await;
        look(&["app:1", "app:2", "web:1"]).await;
        all(&at, BACK_TO_COUNTS).await;
        if at.store.is_sqlite() {
            all(&at, SQLITE_TEXTS).await;
        }
        run(&at.store.db).await.expect("brought up to date");

        let filter = ImageFilter {
            q: Some("app".to_owned()),
            ..ImageFilter::default()
        };
        let found = async || {
            let (access, page) = (Access::full(), PageRequest::default());
            let list = at
                .store
                .list_images(&filter, ImageSort::default(), &access, page)
                .await;
            let by_server = at.store.images_by_server(&filter, &access, page).await;
            let groups = by_server.expect("servers").items.into_iter();
            (
                list.expect("a list").total,
                groups.map(|group| group.image_count).sum::<u64>(),
            )
        };
        assert_eq!(found().await, (2, 2));
        look(&["app:2", "app:3", "app:4"]).await;
        assert_eq!(found().await, (3, 3));
    }
}
