//! A server behind another machine, through a real sshd: both host keys are pinned at first use and shown, and another
//! one is refused loudly, whichever of the two shows it.

use axum::http::StatusCode;
use imagefleet_store::testing;
use imagefleet_tests::app::{App, Client};
use serde_json::{Value, json};

const OTHER: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The lab's SSH server, its user and key.
fn lab() -> Option<(String, String)> {
    let get = |name: &str| std::env::var(name).ok();
    let found = get("IMAGEFLEET_LAB_SSHD")
        .zip(get("IMAGEFLEET_LAB_SSH_USER"))
        .zip(get("IMAGEFLEET_LAB_SSH_KEY"));
    assert!(
        found.is_some() || std::env::var_os("IMAGEFLEET_LAB_REQUIRED").is_none(),
        "IMAGEFLEET_LAB_REQUIRED is set, but the lab has no SSH server"
    );
    let ((address, user), key) = found?;
    let key = std::fs::read_to_string(key).expect("the lab's key");
    Some((format!("ssh://{user}@{address}"), key))
}

/// Waits until the server has this status; how it is shown then.
async fn is(admin: &Client<'_>, path: &str, status: &str) -> Value {
    admin.until(path, |server| server["status"] == status).await;
    admin.get(path).await.body
}

#[tokio::test(flavor = "multi_thread")]
async fn host_keys_of_a_server_and_of_the_machine_before_it_are_pinned_and_watched() {
    let Some((endpoint, key)) = lab() else { return };
    let app = App::start_real(testing::sqlite().await).await;
    let admin = app.login("admin").await;
    let jump = json!({"endpoint": endpoint, "privateKey": key});
    let body = json!({"name": "behind", "endpoint": endpoint, "ssh": {"privateKey": key, "jump": jump}});
    let added = admin.post("/servers", body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
    let path = format!("/servers/{}", added.body["id"]);
    admin
        .until(&path, |server| {
            server["status"] == "online" && server["ssh"]["jump"]["hostKey"].is_string()
        })
        .await;
    let online = admin.get(&path).await.body;
    let pinned = online["ssh"]["hostKey"].clone();
    assert!(
        pinned.as_str().is_some_and(|key| key.starts_with("SHA256:")),
        "{online}"
    );
    assert_eq!(
        online["ssh"]["jump"]["hostKey"], pinned,
        "one sshd is both machines"
    );

    for (wrong, right) in [
        (
            json!({"ssh": {"hostKey": OTHER}}),
            json!({"ssh": {"hostKey": pinned}}),
        ),
        (
            json!({"ssh": {"jump": {"endpoint": endpoint, "hostKey": OTHER}}}),
            json!({"ssh": {"jump": {"endpoint": endpoint, "hostKey": null}}}),
        ),
    ] {
        let changed = admin.patch(&path, wrong.clone()).await;
        assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
        let offline = is(&admin, &path, "offline").await;
        assert_eq!(
            offline["statusCode"], "ssh_host_key_changed",
            "{wrong}: {offline}"
        );
        let reason = offline["statusReason"].as_str().unwrap_or_default();
        assert!(
            reason.contains(pinned.as_str().expect("a key")) && reason.contains(OTHER),
            "it says which key came and which was expected: {reason}"
        );
        let mended = admin.patch(&path, right).await;
        assert_eq!(mended.status, StatusCode::OK, "{mended:?}");
        is(&admin, &path, "online").await;
    }
    admin
        .until(&path, |server| server["ssh"]["jump"]["hostKey"] == pinned)
        .await;
    app.stop().await;
}
