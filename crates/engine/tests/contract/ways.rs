//! The four ways to an engine: what is trusted, what is refused, and that bytes flow.

use futures_util::TryStreamExt;
use imagefleet_engine::docker::{Connection, Limits, SshJump, SshMaterial, TlsMaterial, connect};
use imagefleet_engine::{Engine, PullRequest};
use imagefleet_model::{Endpoint, ErrorCode};
use std::sync::Arc;
use std::time::Duration;

use crate::archive::Archive;
use crate::lab::required;
use crate::subject::{to_the_end, within};

fn ssh_endpoint(address: &str, user: &str) -> Endpoint {
    format!("ssh://{user}@{address}").parse().expect("an endpoint")
}

fn read(variable: &str) -> Option<String> {
    required(variable).map(|path| std::fs::read_to_string(path).expect("a file of the lab"))
}

fn over_ssh(user_variable: &str, material: SshMaterial) -> Option<Arc<dyn Engine>> {
    let (address, user) = (required("IMAGEFLEET_LAB_SSHD")?, required(user_variable)?);
    let mut connection = Connection::new(ssh_endpoint(&address, &user));
    connection.ssh = Some(material);
    Some(connect(&connection))
}

fn key() -> Option<SshMaterial> {
    Some(SshMaterial {
        private_key: Some(read("IMAGEFLEET_LAB_SSH_KEY")?.into()),
        ..SshMaterial::default()
    })
}

/// Asks, loads, saves, removes.
async fn works(engine: &Arc<dyn Engine>, name: &str) {
    within(engine.info()).await.expect("info");
    let reference = format!("ways/{name}:{}", std::process::id());
    let archive = Archive::new(&reference, &[&reference], 3_000_000).await;
    to_the_end(within(engine.load(archive.body())).await.expect("load"))
        .await
        .expect("loads");
    let saving = within(engine.save(std::slice::from_ref(&reference)))
        .await
        .expect("save");
    let bytes = within(saving.try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) }))
        .await
        .expect("saves");
    assert!(bytes > 6_000_000, "{bytes}");
    within(engine.remove_image(&reference, true))
        .await
        .expect("remove");
}

#[tokio::test]
async fn plain_tcp() {
    let Some(endpoint) = required("IMAGEFLEET_LAB_TCP") else {
        return;
    };
    works(
        &connect(&Connection::new(endpoint.parse().expect("an endpoint"))),
        "tcp",
    )
    .await;
}

#[tokio::test]
async fn tls_with_a_client_certificate() {
    let Some((engine, _)) = tls(|_| ()) else { return };
    works(&engine, "tls").await;
}

/// An engine of the lab over TLS, with changed material; and the endpoint.
fn tls(change: impl FnOnce(&mut Connection)) -> Option<(Arc<dyn Engine>, String)> {
    let endpoint = required("IMAGEFLEET_LAB_TLS")?;
    let mut connection = Connection::new(endpoint.parse().expect("an endpoint"));
    connection.tls = Some(TlsMaterial {
        ca: read("IMAGEFLEET_LAB_TLS_CA")?,
        cert: read("IMAGEFLEET_LAB_TLS_CERT"),
        key: read("IMAGEFLEET_LAB_TLS_KEY").map(Into::into),
    });
    change(&mut connection);
    Some((connect(&connection), endpoint))
}

/// A file of the lab's certificates.
fn of_the_lab(name: &str) -> String {
    let folder = required("IMAGEFLEET_LAB_TLS_DIR").expect("the lab");
    std::fs::read_to_string(format!("{folder}/{name}")).expect("a file of the lab")
}

#[tokio::test]
async fn tls_refuses_what_is_not_right() {
    type Change = fn(&mut Connection);
    let changes: [(&str, Change); 7] = [
        ("no client certificate", |connection| {
            let tls = connection.tls.as_mut().expect("material");
            (tls.cert, tls.key) = (None, None);
        }),
        ("a CA that did not sign", |connection| {
            let tls = connection.tls.as_mut().expect("material");
            tls.ca = tls.cert.clone().expect("a certificate");
        }),
        ("a client certificate that has run out", |connection| {
            connection.tls.as_mut().expect("material").cert = Some(of_the_lab("expired.pem"));
        }),
        ("a client certificate of a stranger", |connection| {
            let tls = connection.tls.as_mut().expect("material");
            tls.cert = Some(of_the_lab("stranger.pem"));
            tls.key = Some(of_the_lab("stranger-key.pem").into());
        }),
        ("no PEM", |connection| {
            connection.tls.as_mut().expect("material").ca = "nothing".to_owned();
        }),
        ("no key", |connection| {
            connection.tls.as_mut().expect("material").key = None;
        }),
        ("no material", |connection| connection.tls = None),
    ];
    for (what, change) in changes {
        let Some((engine, _)) = tls(change) else { return };
        let failure = within(engine.info()).await.expect_err(what);
        assert_eq!(failure.code, ErrorCode::TlsFailed, "{what}: {failure}");
    }
}

/// A server of the test's own that shows this certificate and says nothing; its port.
async fn showing(certificate: &str, key: &str) -> u16 {
    use rustls_pki_types::pem::PemObject as _;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    let chain = CertificateDer::pem_slice_iter(of_the_lab(certificate).as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(of_the_lab(key).as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // What comes of it the client tells.
            drop(acceptor.accept(stream).await);
        }
    });
    port
}

#[tokio::test]
async fn a_servers_certificate_has_to_be_its_own_and_of_now() {
    let mut answers = Vec::new();
    for (certificate, key) in [
        ("server.pem", "server-key.pem"),
        ("server-expired.pem", "server-key.pem"),
        ("server-other.pem", "server-key.pem"),
        ("stranger.pem", "stranger-key.pem"),
    ] {
        if required("IMAGEFLEET_LAB_TLS_DIR").is_none() {
            return;
        }
        let port = showing(certificate, key).await;
        let endpoint = format!("tcps://127.0.0.1:{port}");
        let Some((engine, _)) =
            tls(|connection| connection.endpoint = endpoint.parse().expect("an endpoint"))
        else {
            return;
        };
        let failure = within(engine.info()).await.expect_err("no engine");
        answers.push((certificate, failure.code == ErrorCode::TlsFailed, failure.message));
    }
    let refused: Vec<bool> = answers.iter().map(|(_, refused, _)| *refused).collect();
    assert_eq!(refused, [false, true, true, true], "{answers:#?}");
    assert!(
        answers[1].2.contains("xpired") && answers[2].2.contains("name"),
        "{answers:#?}"
    );
}

#[tokio::test]
async fn plain_words_to_a_tls_port_and_the_other_way() {
    let (Some(secure), Some(plain)) = (required("IMAGEFLEET_LAB_TLS"), required("IMAGEFLEET_LAB_TCP")) else {
        return;
    };
    let wrong = connect(&Connection::new(
        secure.replace("tcps", "tcp").parse().expect("an endpoint"),
    ));
    let failure = within(wrong.info()).await.expect_err("it wants TLS");
    assert_eq!(failure.code, ErrorCode::TlsFailed, "{failure}");
    let Some((wrong, _)) =
        tls(|connection| connection.endpoint = plain.replace("tcp", "tcps").parse().expect("an endpoint"))
    else {
        return;
    };
    let failure = within(wrong.info()).await.expect_err("it speaks no TLS");
    assert_eq!(failure.code, ErrorCode::TlsFailed, "{failure}");
}

#[tokio::test]
async fn ssh_to_the_socket_and_through_the_docker_command() {
    for (user, name) in [
        ("IMAGEFLEET_LAB_SSH_USER", "ssh-socket"),
        ("IMAGEFLEET_LAB_SSH_USER_STDIO", "ssh-stdio"),
    ] {
        let Some(engine) = key().and_then(|key| over_ssh(user, key)) else {
            return;
        };
        assert_eq!(engine.observed_host_key(), None);
        works(&engine, name).await;
        assert!(
            engine
                .observed_host_key()
                .is_some_and(|key| key.starts_with("SHA256:"))
        );
    }
}

#[tokio::test]
async fn ssh_with_a_locked_key_or_a_password() {
    let (Some(locked), Some(password)) = (
        read("IMAGEFLEET_LAB_SSH_KEY_LOCKED"),
        required("IMAGEFLEET_LAB_SSH_PASSWORD"),
    ) else {
        return;
    };
    let opened = SshMaterial {
        private_key: Some(locked.clone().into()),
        passphrase: Some(password.clone().into()),
        ..SshMaterial::default()
    };
    let typed = SshMaterial {
        password: Some(password.into()),
        ..SshMaterial::default()
    };
    for material in [opened, typed] {
        let engine = over_ssh("IMAGEFLEET_LAB_SSH_USER", material).expect("the lab");
        within(engine.info()).await.expect("info");
    }
    let closed = SshMaterial {
        private_key: Some(locked.clone().into()),
        ..SshMaterial::default()
    };
    let mistaken = SshMaterial {
        private_key: Some(locked.into()),
        passphrase: Some("wrong".into()),
        ..SshMaterial::default()
    };
    let wrong = SshMaterial {
        password: Some("wrong".into()),
        ..SshMaterial::default()
    };
    for material in [closed, mistaken, wrong, SshMaterial::default()] {
        let engine = over_ssh("IMAGEFLEET_LAB_SSH_USER", material).expect("the lab");
        let failure = within(engine.info()).await.expect_err("nobody is let in");
        assert_eq!(failure.code, ErrorCode::SshAuthFailed, "{failure}");
        assert!(!failure.message.contains("wrong"), "{failure}");
    }
}

#[tokio::test]
async fn ssh_host_keys_are_pinned_and_jumps_lead_on() {
    let Some(material) = key() else { return };
    let Some(first) = over_ssh("IMAGEFLEET_LAB_SSH_USER", material.clone()) else {
        return;
    };
    within(first.info()).await.expect("info");
    let seen = first.observed_host_key().expect("a key was met");
    let pinned = SshMaterial {
        host_key: Some(seen.clone()),
        ..material.clone()
    };
    let engine = over_ssh("IMAGEFLEET_LAB_SSH_USER", pinned.clone()).expect("the lab");
    within(engine.info()).await.expect("the pinned key");

    let other = SshMaterial {
        host_key: Some("SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()),
        ..material.clone()
    };
    let engine = over_ssh("IMAGEFLEET_LAB_SSH_USER", other.clone()).expect("the lab");
    let failure = within(engine.info()).await.expect_err("another key");
    assert_eq!(failure.code, ErrorCode::SshHostKeyChanged, "{failure}");
    assert!(failure.message.contains(&seen), "{failure}");

    let address = required("IMAGEFLEET_LAB_SSHD").expect("the lab");
    let (host, port) = address.rsplit_once(':').expect("host:port");
    let jump = |through: SshMaterial| SshMaterial {
        jump: Some(Box::new(SshJump {
            user: required("IMAGEFLEET_LAB_SSH_USER").expect("the lab"),
            host: host.to_owned(),
            port: port.parse().expect("a port"),
            material: through,
        })),
        ..pinned.clone()
    };
    let engine = over_ssh("IMAGEFLEET_LAB_SSH_USER", jump(pinned.clone())).expect("the lab");
    works(&engine, "ssh-jump").await;
    let engine = over_ssh("IMAGEFLEET_LAB_SSH_USER", jump(other)).expect("the lab");
    let failure = within(engine.info())
        .await
        .expect_err("the jump shows another key");
    assert_eq!(failure.code, ErrorCode::SshHostKeyChanged, "{failure}");
}

#[tokio::test]
async fn nobody_there_and_nobody_who_knows_docker() {
    let Some(nothing) = required("IMAGEFLEET_LAB_NOTHING") else {
        return;
    };
    let Some(sshd) = required("IMAGEFLEET_LAB_SSHD") else {
        return;
    };
    let Some(registry) = required("IMAGEFLEET_LAB_REGISTRY") else {
        return;
    };
    let asked = |endpoint: String| async move {
        let mut connection = Connection::new(endpoint.parse().expect("an endpoint"));
        connection.limits = Limits {
            connect: Duration::from_secs(3),
            ..Limits::default()
        };
        within(connect(&connection).info()).await.expect_err("no engine")
    };
    for (endpoint, code) in [
        (nothing, ErrorCode::EngineUnreachable),
        (
            "unix:///nowhere/docker.sock".to_owned(),
            ErrorCode::EngineUnreachable,
        ),
        (
            "tcp://engine.imagefleet.invalid:2375".to_owned(),
            ErrorCode::EngineUnreachable,
        ),
        (format!("tcp://{sshd}"), ErrorCode::NotAnEngine),
        (format!("tcp://{registry}"), ErrorCode::NotAnEngine),
    ] {
        let failure = asked(endpoint.clone()).await;
        assert_eq!(failure.code, code, "{endpoint}: {failure}");
    }
}

#[tokio::test]
async fn a_cancelled_pull_is_cancelled_on_the_engine() {
    let (Some(endpoint), Some(slow)) = (
        required("IMAGEFLEET_LAB_DOCKER28"),
        required("IMAGEFLEET_LAB_REGISTRY_SLOW"),
    ) else {
        return;
    };
    let engine = connect(&Connection::new(endpoint.parse().expect("an endpoint")));
    let request = PullRequest {
        reference: format!("{slow}/data/large:1.0"),
        platform: None,
        auth: None,
    };
    let mut pulling = within(engine.pull(request.clone())).await.expect("begins");
    while within(pulling.try_next())
        .await
        .expect("no failure")
        .expect("more")
        .bytes_done
        == 0
    {}
    drop(pulling);
    // Had the engine gone on, the image would be there by now: 60 MiB at 6 MiB/s.
    tokio::time::sleep(Duration::from_secs(13)).await;
    let failure = within(engine.image(&request.reference))
        .await
        .expect_err("it was cancelled");
    assert_eq!(failure.code, ErrorCode::ImageNotFound);
}
