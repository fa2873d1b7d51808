use std::time::Duration;

use imagefleet_model::{
    Access, CertificateInfo, Clock as _, EngineInfo, ErrorCode, Failure, ImageStore, OperationKind,
    PageRequest, Server, ServerSsh, ServerStatus, ServerTls, Verb,
};

use super::{
    HealthChange, JumpSecrets, NewServer, ServerChange, ServerFilter, ServerSshSetting, ServerTlsSetting,
    SshSecrets, TlsSecrets, exposed,
};
use crate::testing::{self, TestStore};
use crate::{Inventory, NewOperation, NewStep, SeenImage, StoreError};

pub fn new(name: &str, endpoint: &str) -> NewServer {
    NewServer {
        name: name.to_owned(),
        endpoint: endpoint.parse().expect("valid"),
        description: String::new(),
        tags: vec![],
        enabled: true,
        tls: None,
        ssh: None,
    }
}

async fn added(at: &TestStore, name: &str) -> Server {
    at.store
        .create_server(new(name, "unix:///run/a.sock"))
        .await
        .expect("added")
}

fn info(version: &str) -> EngineInfo {
    EngineInfo {
        engine_version: version.to_owned(),
        api_version: "1.41".to_owned(),
        image_store: ImageStore::Classic,
        platform: "linux/amd64".to_owned(),
        memory_bytes: Some(1 << 40),
        cpus: Some(8),
        system_time: None,
    }
}

fn seen(repository: &str, engine_id: &str, size: u64) -> SeenImage {
    SeenImage {
        engine_id: engine_id.to_owned(),
        full_name: format!("{repository}:1"),
        repository: repository.to_owned(),
        tag: Some("1".to_owned()),
        digest: None,
        size,
        created_at: None,
        platform: None,
    }
}

async fn holds(at: &TestStore, server: i64, images: Vec<SeenImage>) {
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

fn tls(at: &TestStore, days: u64) -> ServerTlsSetting {
    let certificate = CertificateInfo {
        subject: "CN=engine".to_owned(),
        fingerprint: "ab".repeat(32),
        not_before: at.clock.now(),
        not_after: at.clock.now() + Duration::from_secs(days * 86_400),
    };
    ServerTlsSetting {
        secrets: TlsSecrets {
            ca: "the ca".to_owned(),
            cert: Some("the cert".to_owned()),
            key: Some("the-planted-key".to_owned().into()),
        },
        info: ServerTls {
            configured: true,
            ca: Some(certificate.clone()),
            cert: Some(certificate),
        },
    }
}

#[tokio::test]
async fn secrets_are_sealed_to_their_row_and_open_for_the_connector_alone() {
    for at in testing::stores().await {
        let store = &at.store;
        let server = NewServer {
            tls: Some(tls(&at, 365)),
            ..new("a", "tcps://a:2376")
        };
        let a = store.create_server(server).await.expect("added");
        assert!(!format!("{a:?}").contains("planted") && a.tls.as_ref().is_some_and(|tls| tls.configured));
        let opened = store.server_for_engine(a.id).await.expect("opened");
        let opened_tls = opened.tls.expect("there");
        assert_eq!(exposed(opened_tls.key.as_ref()), Some("the-planted-key"));
        assert_eq!((opened_tls.ca.as_str(), opened.generation), ("the ca", 1));
        let ssh = ServerSshSetting {
            secrets: SshSecrets {
                private_key: Some("planted-ssh".to_owned().into()),
                jump: Some(JumpSecrets {
                    user: "j".to_owned(),
                    host: "jump".to_owned(),
                    port: 22,
                    host_key: None,
                    private_key: None,
                    passphrase: None,
                    password: Some("planted-jump".to_owned().into()),
                }),
                ..SshSecrets::default()
            },
            info: ServerSsh {
                has_private_key: true,
                ..ServerSsh::default()
            },
        };
        let change = ServerChange {
            endpoint: Some("ssh://u@a".parse().expect("valid")),
            tls: Some(None),
            ssh: Some(Some(ssh)),
            ..ServerChange::default()
        };
        let changed = store.update_server(a.id, change).await.expect("changed");
        assert!(changed.tls.is_none() && changed.ssh.is_some_and(|ssh| ssh.has_private_key));
        let opened = store.server_for_engine(a.id).await.expect("opened");
        let ssh = opened.ssh.expect("there");
        assert_eq!(exposed(ssh.private_key.as_ref()), Some("planted-ssh"));
        assert_eq!(
            ssh.jump.as_ref().and_then(|jump| exposed(jump.password.as_ref())),
            Some("planted-jump")
        );
        assert!(opened.tls.is_none() && opened.generation == 2);
        assert!(store.pin_host_key(a.id, "SHA256:one").await.expect("asked"));
        assert!(
            !store.pin_host_key(a.id, "SHA256:two").await.expect("asked"),
            "the first one stays"
        );
        let opened = store.server_for_engine(a.id).await.expect("opened");
        assert_eq!(
            (opened.host_key.as_deref(), opened.generation),
            (Some("SHA256:one"), 2)
        );
    }
}

#[tokio::test]
async fn a_name_is_taken_once_and_a_stale_merge_is_refused() {
    for at in testing::stores().await {
        let store = &at.store;
        let a = added(&at, "a").await;
        let b = added(&at, "b").await;
        let again = store.create_server(new("a", "unix:///run/b.sock")).await;
        assert!(matches!(again, Err(StoreError::Taken(_))));
        let rename = ServerChange {
            name: Some("a".to_owned()),
            ..ServerChange::default()
        };
        assert!(matches!(
            store.update_server(b.id, rename).await,
            Err(StoreError::Taken(_))
        ));
        let tagged = ServerChange {
            tags: Some(vec!["prod".to_owned()]),
            description: Some("first".to_owned()),
            ..ServerChange::default()
        };
        let changed = store.update_server(a.id, tagged).await.expect("changed");
        assert_eq!(
            (changed.name.as_str(), changed.tags.as_slice()),
            ("a", ["prod".to_owned()].as_slice())
        );
        assert_eq!(
            store.server_generation(a.id).await.expect("there"),
            (true, 1),
            "the way is the same"
        );
        let stale = ServerChange {
            generation: Some(7),
            ..ServerChange::default()
        };
        let refused = store.update_server(a.id, stale).await;
        assert!(matches!(refused, Err(StoreError::Refused(f)) if f.code == ErrorCode::Conflict));
        let missing = store.update_server(999, ServerChange::default()).await;
        assert!(matches!(missing, Err(StoreError::Refused(f)) if f.code == ErrorCode::ServerNotFound));
    }
}

#[tokio::test]
async fn health_keeps_since_while_nothing_changes() {
    for at in testing::stores().await {
        let store = &at.store;
        let full = Access::full();
        let id = added(&at, "a").await.id;
        let came = store
            .set_server_online(id, &info("20.10.24"))
            .await
            .expect("stored");
        assert_eq!(came, HealthChange { changed: true });
        let since = at.clock.now();
        at.pass(60);
        assert_eq!(
            store
                .set_server_online(id, &info("20.10.24"))
                .await
                .expect("stored"),
            HealthChange::default()
        );
        let server = store.existing_server(id, &full).await.expect("there");
        assert_eq!(
            (server.status, server.status_since),
            (ServerStatus::Online, Some(since))
        );
        assert_eq!(
            (server.last_seen_at, server.memory_bytes),
            (Some(at.clock.now()), Some(1 << 40))
        );
        let newer = store
            .set_server_online(id, &info("28.5.2"))
            .await
            .expect("stored");
        assert_eq!(newer, HealthChange { changed: true });

        let why = Failure::new(ErrorCode::EngineUnreachable, "connection refused");
        at.pass(10);
        let gone_at = at.clock.now();
        assert!(store.set_server_offline(id, &why).await.expect("stored").changed);
        at.pass(10);
        assert!(!store.set_server_offline(id, &why).await.expect("stored").changed);
        let other = Failure::new(ErrorCode::EngineTimeout, "no answer");
        assert!(
            store
                .set_server_offline(id, &other)
                .await
                .expect("stored")
                .changed
        );
        let server = store.existing_server(id, &full).await.expect("there");
        assert_eq!(
            (server.status, server.status_since),
            (ServerStatus::Offline, Some(gone_at))
        );
        assert_eq!(server.status_code.as_deref(), Some("engine_timeout"));
        assert_eq!(
            (server.status_reason.as_deref(), server.engine_version.as_deref()),
            (Some("no answer"), Some("28.5.2"))
        );

        let off = ServerChange {
            enabled: Some(false),
            ..ServerChange::default()
        };
        let server = store.update_server(id, off).await.expect("changed");
        assert_eq!(
            (server.status, server.status_reason),
            (ServerStatus::Disabled, None)
        );
        assert_eq!(
            store.set_server_online(id, &info("x")).await.expect("asked"),
            HealthChange::default()
        );
        assert_eq!(
            store.set_server_offline(id, &why).await.expect("asked"),
            HealthChange::default()
        );
        let on = ServerChange {
            enabled: Some(true),
            ..ServerChange::default()
        };
        assert_eq!(
            store.update_server(id, on).await.expect("changed").status,
            ServerStatus::Offline
        );
        assert_eq!(
            store.server_generation(id).await.expect("there"),
            (true, 3),
            "connected anew"
        );
    }
}

#[tokio::test]
async fn a_sign_of_life_is_remembered_of_those_that_are_online_alone() {
    for at in testing::stores().await {
        let store = &at.store;
        let id = added(&at, "a").await.id;
        assert!(
            !store.server_lives(id).await.expect("asked"),
            "nobody knows who it is"
        );
        store
            .set_server_online(id, &info("28.5.2"))
            .await
            .expect("stored");
        let met = at.clock.now();
        let last_seen = async || {
            let server = store.existing_server(id, &Access::full()).await.expect("there");
            server.last_seen_at
        };
        at.pass(10);
        assert!(store.server_lives(id).await.expect("asked"));
        assert_eq!(last_seen().await, Some(met), "not written every time");
        at.pass(25);
        assert!(store.server_lives(id).await.expect("asked"));
        assert_eq!(last_seen().await, Some(at.clock.now()));

        let why = Failure::new(ErrorCode::EngineUnreachable, "connection refused");
        store.set_server_offline(id, &why).await.expect("stored");
        at.pass(60);
        assert!(!store.server_lives(id).await.expect("asked"));
        assert!(!store.server_lives(999).await.expect("asked"));
    }
}

#[tokio::test]
async fn lists_show_and_count_only_what_may_be_seen() {
    for at in testing::stores().await {
        let store = &at.store;
        let a = added(&at, "Alpha").await.id;
        let b = added(&at, "beta_1").await.id;
        let tags = ServerChange {
            tags: Some(vec!["prod".to_owned()]),
            ..ServerChange::default()
        };
        store.update_server(b, tags).await.expect("changed");
        // Two references to one content count its bytes once.
        holds(
            &at,
            a,
            vec![
                seen("team/x", "sha256:1", 10),
                seen("team/y", "sha256:1", 10),
                seen("other", "sha256:2", 5),
            ],
        )
        .await;
        let all = store
            .list_servers(&ServerFilter::default(), &Access::full(), PageRequest::default())
            .await
            .expect("listed");
        let figures: Vec<_> = all
            .items
            .iter()
            .map(|s| (s.name.as_str(), s.image_count, s.total_size))
            .collect();
        assert_eq!(figures, [("Alpha", 3, 15), ("beta_1", 0, 0)]);

        let mut team = Access::default();
        team.add(vec![Verb::ImageView], Some(vec![a]), &["team/*".to_owned()]);
        let seen = store
            .list_servers(&ServerFilter::default(), &team, PageRequest::default())
            .await
            .expect("listed");
        let figures: Vec<_> = seen
            .items
            .iter()
            .map(|s| (s.id, s.image_count, s.total_size))
            .collect();
        assert_eq!((seen.total, figures), (1, vec![(a, 2, 10)]));
        assert!(store.server(b, &team).await.expect("asked").is_none());
        assert!(store.existing_server(b, &team).await.is_err());
        let mut manager = Access::default();
        manager.add(vec![Verb::ServerManage], Some(vec![b]), &["*".to_owned()]);
        let managed = store
            .list_servers(&ServerFilter::default(), &manager, PageRequest::default())
            .await;
        assert_eq!(
            managed
                .expect("listed")
                .items
                .iter()
                .map(|s| s.id)
                .collect::<Vec<_>>(),
            [b]
        );
        let nobody = store
            .list_servers(
                &ServerFilter::default(),
                &Access::default(),
                PageRequest::default(),
            )
            .await;
        assert_eq!(nobody.expect("listed").total, 0);

        let named = async |search: Option<&str>, tag: Option<&str>, status: Option<ServerStatus>| {
            let filter = ServerFilter {
                search: search.map(Into::into),
                tag: tag.map(Into::into),
                status,
            };
            let page = store
                .list_servers(&filter, &Access::full(), PageRequest { page: 1, size: 1 })
                .await;
            page.map(|page| page.total).expect("listed")
        };
        assert_eq!(named(Some("ALPH"), None, None).await, 1);
        assert_eq!(named(Some("a_1"), None, None).await, 1, "_ is itself");
        assert_eq!(named(Some("%"), None, None).await, 0, "% is itself");
        assert_eq!(named(Some("a.sock"), None, None).await, 2);
        assert_eq!(named(None, Some("prod"), None).await, 1);
        assert_eq!(named(None, Some("pro"), None).await, 0);
        assert_eq!(named(None, None, Some(ServerStatus::Offline)).await, 2);
    }
}

#[tokio::test]
async fn what_is_exposed_or_ends_soon_is_said() {
    for at in testing::stores().await {
        let codes = async |server: NewServer| {
            let made = at.store.create_server(server).await.expect("added");
            made.warnings
                .into_iter()
                .map(|warning| warning.code)
                .collect::<Vec<_>>()
        };
        assert_eq!(codes(new("a", "tcp://10.0.0.1:2375")).await, ["plain_tcp"]);
        assert!(codes(new("b", "tcp://127.0.0.1:2375")).await.is_empty());
        let with = |name: &str, days| NewServer {
            tls: Some(tls(&at, days)),
            ..new(name, "tcps://a:1")
        };
        assert!(codes(with("c", 365)).await.is_empty());
        assert_eq!(codes(with("d", 5)).await, ["certificate_expires_soon"; 2]);
        assert_eq!(codes(with("e", 0)).await, ["certificate_expired"; 2]);
    }
}

#[tokio::test]
async fn a_removed_server_takes_its_images_along_but_not_those_of_others() {
    for at in testing::stores().await {
        let store = &at.store;
        let (a, b) = (added(&at, "a").await.id, added(&at, "b").await.id);
        holds(
            &at,
            a,
            vec![seen("both", "sha256:1", 1), seen("mine", "sha256:2", 1)],
        )
        .await;
        holds(&at, b, vec![seen("both", "sha256:1", 1)]).await;
        let step = NewStep {
            server_id: a,
            server_name: "a".to_owned(),
            image_id: None,
            repository: None,
            tag: None,
            payload: serde_json::json!({}),
            exclusive: false,
            bulk: false,
            share_key: None,
        };
        let operation = NewOperation {
            kind: OperationKind::SyncImages,
            title: "Sync".to_owned(),
            user_id: None,
            created_by: "system".to_owned(),
            request: serde_json::json!({}),
            steps: vec![step],
        };
        store.create_operation(operation).await.expect("made");
        let busy = store.delete_server(a, false).await;
        assert!(matches!(busy, Err(StoreError::Refused(f)) if f.code == ErrorCode::Conflict));
        store.delete_server(a, true).await.expect("gone");
        assert!(store.delete_server(a, true).await.is_err());
        let left: Vec<String> = {
            #[derive(sea_orm::FromQueryResult)]
            struct Row {
                full_name: String,
                placements: i64,
            }
            let rows: Vec<Row> = crate::sql::all(
                &store.db,
                "SELECT full_name, placements FROM image_references",
                vec![],
            )
            .await
            .expect("read");
            rows.into_iter()
                .map(|row| format!("{} {}", row.full_name, row.placements))
                .collect()
        };
        assert_eq!(left, ["both:1 1"]);
        assert!(store.delete_server(b, false).await.is_ok());
    }
}
