use std::collections::HashSet;

use imagefleet_model::{Clock as _, ErrorCode, ImageRef, PageRequest, SoftwareForm};
use sea_orm::FromQueryResult;

use super::builtin::catalogue;
use super::{Imported, NewSoftware, SoftwareFilter};
use crate::testing::{self, TestStore};
use crate::{Inventory, NewServer, SeenImage, StoreError, sql};

fn own(name: &str, repository: &str) -> NewSoftware {
    NewSoftware {
        name: name.to_owned(),
        repository: repository.to_owned(),
        default_tag: "1".to_owned(),
        ..NewSoftware::default()
    }
}

/// One server that holds an image of each repository.
async fn held(at: &TestStore, repositories: &[&str]) {
    let server = NewServer {
        name: "a".to_owned(),
        endpoint: "unix:///run/a.sock".parse().expect("valid"),
        description: String::new(),
        tags: vec![],
        enabled: true,
        tls: None,
        ssh: None,
    };
    let server = at.store.create_server(server).await.expect("added").id;
    let images = repositories
        .iter()
        .map(|repository| SeenImage {
            engine_id: format!("sha256:{repository}"),
            full_name: format!("{repository}:1"),
            repository: (*repository).to_owned(),
            tag: Some("1".to_owned()),
            digest: None,
            size: 1,
            created_at: None,
            platform: None,
        })
        .collect();
    let inventory = Inventory {
        asked_at: at.clock.now(),
        images,
        containers: vec![],
    };
    at.store
        .apply_inventory(server, inventory)
        .await
        .expect("applied");
}

/// The name of the catalogue entry that a repository's references belong to.
async fn known_as(at: &TestStore, repository: &str) -> Option<String> {
    #[derive(FromQueryResult)]
    struct Row {
        software_id: Option<i64>,
    }
    let row: Option<Row> = sql::one(
        &at.store.db,
        "SELECT software_id FROM image_references WHERE repository = $1",
        vec![repository.into()],
    )
    .await
    .expect("read");
    match row.expect("held").software_id {
        Some(id) => Some(at.store.software(id).await.expect("there").name),
        None => None,
    }
}

#[test]
fn the_built_in_catalogue_is_sound() {
    let entries = catalogue().expect("it reads");
    assert!(entries.len() >= 15);
    let repositories: HashSet<_> = entries.iter().map(|entry| entry.repository.as_str()).collect();
    assert_eq!(repositories.len(), entries.len(), "each repository once");
    for entry in &entries {
        let reference =
            ImageRef::parse(&format!("{}:{}", entry.repository, entry.default_tag)).expect("valid");
        assert_eq!(reference.repository(), entry.repository, "familiar");
        assert!(
            !entry.description.is_empty() && !entry.description_zh.is_empty(),
            "{}",
            entry.name
        );
        assert!(
            !entry.form.health_hint.is_empty() && !entry.form.health_hint_zh.is_empty(),
            "{}",
            entry.name
        );
        assert!(!entry.form.ports.is_empty() && !entry.icon.is_empty() && !entry.category.is_empty());
        assert!(
            entry
                .form
                .volumes
                .iter()
                .all(|volume| volume.target.starts_with('/')),
            "{}",
            entry.name
        );
        let published: HashSet<_> = entry
            .form
            .ports
            .iter()
            .map(|port| (port.host, port.protocol))
            .collect();
        assert_eq!(published.len(), entry.form.ports.len(), "{}", entry.name);
        for env in &entry.form.env {
            assert!(
                env.value.is_empty() || !env.secret,
                "{}: no password is built in",
                entry.name
            );
        }
    }
    let mysql = entries
        .iter()
        .find(|entry| entry.repository == "mysql")
        .expect("there");
    let password = mysql
        .form
        .env
        .iter()
        .find(|env| env.name == "MYSQL_ROOT_PASSWORD")
        .expect("there");
    assert!(password.required && password.secret);
    assert!(
        ["nginx", "redis"]
            .iter()
            .all(|repository| repositories.contains(repository))
    );
}

#[tokio::test]
async fn images_are_matched_exactly_and_an_own_entry_goes_first() {
    for at in testing::stores().await {
        held(
            &at,
            &[
                "mysql",
                "prom/mysqld-exporter",
                "bitnami/redis",
                "r.test/mysql",
                "team/app",
            ],
        )
        .await;
        assert_eq!(known_as(&at, "mysql").await.as_deref(), Some("MySQL"));
        for other in [
            "prom/mysqld-exporter",
            "bitnami/redis",
            "r.test/mysql",
            "team/app",
        ] {
            assert_eq!(known_as(&at, other).await, None, "{other}");
        }
        let mine = at
            .store
            .create_software(own("Our MySQL", "mysql"))
            .await
            .expect("added");
        assert_eq!(known_as(&at, "mysql").await.as_deref(), Some("Our MySQL"));
        let twice = at.store.create_software(own("Again", "mysql")).await;
        assert!(matches!(twice, Err(StoreError::Refused(f)) if f.code == ErrorCode::NameTaken));
        at.store
            .update_software(mine.id, own("Team", "team/app"))
            .await
            .expect("changed");
        assert_eq!(
            known_as(&at, "mysql").await.as_deref(),
            Some("MySQL"),
            "the built-in one is back"
        );
        assert_eq!(known_as(&at, "team/app").await.as_deref(), Some("Team"));
        at.store.delete_software(mine.id).await.expect("gone");
        assert_eq!(known_as(&at, "team/app").await, None);
        let builtin = at
            .store
            .software_for("mysql")
            .await
            .expect("asked")
            .expect("there");
        assert!(builtin.builtin && at.store.delete_software(builtin.id).await.is_err());
        assert!(
            at.store
                .update_software(builtin.id, own("x", "mysql"))
                .await
                .is_err()
        );
    }
}

#[tokio::test]
async fn seeding_updates_what_is_built_in_and_leaves_own_entries_alone() {
    for at in testing::stores().await {
        let before = at
            .store
            .software_for("nginx")
            .await
            .expect("asked")
            .expect("seeded at the start");
        at.store
            .create_software(own("Mine", "team/mine"))
            .await
            .expect("added");
        for change in [
            "UPDATE software SET name = 'Old', form = '{}' WHERE repository = 'nginx'",
            "UPDATE software SET repository = 'retired/thing' WHERE repository = 'adminer'",
            "UPDATE settings SET value = 'an older version' WHERE name = 'builtin_catalogue'",
        ] {
            sql::run(&at.store.db, change, vec![]).await.expect("changed");
        }
        at.store.seed_software().await.expect("seeded");
        assert_eq!(at.store.software_for("nginx").await.expect("asked"), Some(before));
        assert_eq!(at.store.software_for("retired/thing").await.expect("asked"), None);
        assert!(at.store.software_for("adminer").await.expect("asked").is_some());
        assert!(at.store.software_for("team/mine").await.expect("asked").is_some());
        let filter = SoftwareFilter {
            builtin: Some(true),
            ..SoftwareFilter::default()
        };
        let all = at
            .store
            .list_software(&filter, PageRequest { page: 1, size: 200 })
            .await
            .expect("listed");
        assert_eq!(all.items.len(), catalogue().expect("it reads").len());
    }
}

#[tokio::test]
async fn own_entries_go_out_and_come_back_as_one_list() {
    for at in testing::stores().await {
        let form = SoftwareForm {
            command: vec!["serve".to_owned()],
            ..SoftwareForm::default()
        };
        let one = NewSoftware {
            form,
            category: "tool".to_owned(),
            ..own("One", "team/one")
        };
        at.store.create_software(one.clone()).await.expect("added");
        let exported = at.store.export_software().await.expect("exported");
        assert_eq!(exported, std::slice::from_ref(&one));
        let renamed = NewSoftware {
            name: "First".to_owned(),
            ..one
        };
        let imported = at
            .store
            .import_software(vec![renamed, own("Two", "team/two")])
            .await
            .expect("imported");
        assert_eq!(imported, Imported { added: 1, updated: 1 });
        let filter = SoftwareFilter {
            search: Some("TEAM/".to_owned()),
            ..SoftwareFilter::default()
        };
        let found = at
            .store
            .list_software(&filter, PageRequest::default())
            .await
            .expect("listed");
        assert_eq!(
            found.items.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
            ["First", "Two"]
        );
        let filter = SoftwareFilter {
            category: Some("tool".to_owned()),
            builtin: Some(false),
            search: None,
        };
        assert_eq!(
            at.store
                .list_software(&filter, PageRequest::default())
                .await
                .expect("listed")
                .total,
            1
        );
    }
}
