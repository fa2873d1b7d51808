use std::net::TcpListener;
use std::path::Path;

use imagefleet_store::SecretKey;

use super::look;
use super::report::Report;
use crate::cli::{DataArgs, DoctorArgs, ServeArgs};
use crate::key::open_store;
use crate::settings::Settings;

/// The settings of a program in that folder, and on a port that nobody has.
fn settings(folder: &Path) -> ServeArgs {
    ServeArgs {
        data: DataArgs {
            data_dir: Some(folder.to_owned()),
            ..DataArgs::default()
        },
        listen: Some("127.0.0.1:0".parse().expect("an address")),
        ..ServeArgs::default()
    }
}

/// Whether all is well, and in which words.
async fn told(serve: ServeArgs) -> (bool, String) {
    let args = DoctorArgs { serve, json: false };
    let report = Report::from(look(&args).await);
    for finding in &report.findings {
        let well = finding.health == super::report::Health::Ok;
        assert_eq!(well, finding.advice.is_none(), "{finding:?}");
    }
    (report.ok, report.text())
}

async fn used(folder: &Path) -> imagefleet_store::Store {
    let settings = Settings::load(settings(folder)).expect("settings");
    open_store(&settings.data).await.expect("opened")
}

#[tokio::test]
async fn before_the_first_start_nothing_is_wrong_and_nothing_is_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let archives = folder.path().join("kept");
    let serve = ServeArgs {
        archive_store: Some(format!("file://{}", archives.display())),
        ..settings(&folder.path().join("data"))
    };
    let (ok, text) = told(serve).await;
    assert!(ok && text.contains("0 problems"), "{text}");
    let made = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(made, 0, "{text}");
}

#[tokio::test]
async fn a_database_without_its_key_is_told_though_it_holds_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    used(folder.path()).await.close().await;
    let (ok, text) = told(settings(folder.path())).await;
    assert!(ok, "{text}");
    let key = folder.path().join("secret.key");
    std::fs::remove_file(&key).expect("removed");
    let (ok, text) = told(settings(folder.path())).await;
    assert!(!ok && text.contains("written with is missing"), "{text}");
    assert!(!key.exists());
    SecretKey::generate().write(&key).expect("another one");
    let (ok, text) = told(settings(folder.path())).await;
    assert!(!ok && text.contains("is not the one"), "{text}");
}

#[tokio::test]
async fn places_that_cannot_be_written_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    // Not even root makes anything there.
    for data in ["/proc/self", "/proc/self/none"] {
        let (ok, text) = told(settings(Path::new(data))).await;
        assert!(!ok && text.contains("PROBLEM  data directory"), "{text}");
    }
    for database in ["/proc/self/a.db", "/no-such-folder/a.db"] {
        let mut serve = settings(folder.path());
        serve.data.database_url = Some(format!("sqlite://{database}"));
        let (ok, text) = told(serve).await;
        assert!(!ok && text.contains("PROBLEM  database"), "{text}");
    }
    for archives in ["/proc/self/a", "file:///proc/self/a"] {
        let serve = ServeArgs {
            archive_store: Some(archives.to_owned()),
            ..settings(folder.path())
        };
        let (ok, text) = told(serve).await;
        assert!(!ok && text.contains("PROBLEM  archive store"), "{text}");
    }
}

#[tokio::test]
async fn a_postgresql_that_is_down_is_told_in_its_own_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    let mut serve = settings(folder.path());
    serve.data.database_url = Some(format!("postgres://imagefleet@{address}/imagefleet"));
    let (ok, text) = told(serve).await;
    assert!(!ok && text.contains("refused"), "{text}");
}
