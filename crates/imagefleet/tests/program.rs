//! The program itself: TLS of its own, its key, and what it says of both.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use imagefleet_model::SystemClock;
use imagefleet_store::{NewRegistry, SecretKey, Store, StoreOptions};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, IpAddr, ServerName};

const PASSWORD: &str = "planted first password";

fn program(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imagefleet"));
    command
        .args(arguments)
        .arg("--data-dir")
        .arg(data)
        .env("IMAGEFLEET_ADMIN_PASSWORD", PASSWORD);
    command
}

/// A program that serves, and where. It ends with the test, whatever comes of it.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(data: &Path) -> Self {
        let tls = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
        let mut child = program(data, &["serve", "--listen", "127.0.0.1:0"])
            .arg("--tls-cert")
            .arg(tls.join("certificate.pem"))
            .arg("--tls-key")
            .arg(tls.join("key.pem"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdout = child.stdout.take().expect("its output");
        let address = BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix("imagefleet serves on https://")?.to_owned()));
        Self {
            address: address.expect("it serves"),
            child,
        }
    }

    /// Sends a request over TLS; the answer as it came.
    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let certificate = include_bytes!("tls/certificate.pem");
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(certificate).expect("a certificate"))
            .expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::IpAddress(IpAddr::try_from("127.0.0.1").expect("an address"));
        let tls = rustls::ClientConnection::new(Arc::new(config), name).expect("a connection");
        let tcp = TcpStream::connect(&self.address).expect("it listens");
        let mut stream = rustls::StreamOwned::new(tls, tcp);
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .expect("sent");
        let mut answer = Vec::new();
        // Not every server says goodbye before it goes; what it has said is here all the same.
        stream.read_to_end(&mut answer).ok();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Ends it as an operator does; what it logged.
    fn end(mut self) -> String {
        let ended = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(ended.expect("kill").success());
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().expect("its log");
        stderr.read_to_string(&mut log).expect("text");
        assert!(self.child.wait().expect("it ends").success(), "{log}");
        log
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It is gone already unless the test has failed.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn rotate(data: &Path) -> Output {
    program(data, &["key", "rotate"]).output().expect("it runs")
}

fn words(output: &Output) -> String {
    let all = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn tls_of_its_own_and_a_key_that_is_changed_and_missed() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let login = format!(r#"{{"username":"admin","password":"{PASSWORD}"}}"#);
    let serving = Serving::start(data);
    let answer = serving.ask("POST", "/api/v1/session", &login);
    let cookie = answer.lines().find(|line| line.starts_with("set-cookie:"));
    let cookie = cookie.unwrap_or_else(|| panic!("no cookie: {answer}"));
    for word in ["Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(answer.contains("strict-transport-security:"), "{answer}");
    let mut plain = TcpStream::connect(&serving.address).expect("it listens");
    plain
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .expect("sent");
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).ok();
    assert!(!answer.starts_with(b"HTTP"), "no plain word on the port of TLS");

    let refused = rotate(data);
    assert!(
        !refused.status.success() && words(&refused).contains("another imagefleet"),
        "{}",
        words(&refused)
    );
    let log = serving.end();
    assert!(!log.contains(PASSWORD), "{log}");
    assert!(
        !data.join("imagefleet.db-wal").exists(),
        "a copy of the file is not whole"
    );

    let file = data.join("secret.key");
    let before = std::fs::read_to_string(&file).expect("the key");
    let rotated = rotate(data);
    assert!(rotated.status.success(), "{}", words(&rotated));
    let after = std::fs::read_to_string(&file).expect("the key");
    assert!(before != after && !words(&rotated).contains(after.trim()));
    let serving = Serving::start(data);
    assert!(
        serving
            .ask("POST", "/api/v1/session", &login)
            .starts_with("HTTP/1.1 200")
    );
    serving.end();

    std::fs::rename(&file, data.join("elsewhere")).expect("moved");
    for key in [None, Some(before)] {
        if let Some(key) = &key {
            std::fs::write(&file, key).expect("written");
        }
        let lost = program(data, &["serve", "--listen", "127.0.0.1:0"])
            .output()
            .expect("it runs");
        let said = words(&lost);
        assert!(!lost.status.success() && said.contains("key"), "{said}");
        assert!(!said.contains("serves on"), "{said}");
    }
}

/// A registry whose clock stands still; it answers one question.
fn late_registry() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let asked = BufReader::new(stream.try_clone().expect("the other half"));
        let asked = asked.lines().map_while(Result::ok);
        assert!(asked.take_while(|line| !line.is_empty()).count() > 0);
        let answer = "HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer.as_bytes()).expect("answered");
    });
    (host, answering)
}

#[tokio::test]
async fn where_no_ca_is_known_a_registry_without_tls_is_asked_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let (host, answering) = late_registry();
    let key = SecretKey::generate();
    key.write(&data.join("secret.key")).expect("written");
    let options = StoreOptions {
        url: format!("sqlite://{}", data.join("imagefleet.db").display()),
        key,
        clock: Arc::new(SystemClock),
    };
    let store = Store::open(options).await.expect("opened");
    for (name, scheme, plain_http) in [("plain", "http", true), ("secure", "https", false)] {
        let registry = NewRegistry {
            name: name.to_owned(),
            url: format!("{scheme}://{host}"),
            host: format!("{name}.test"),
            namespace: String::new(),
            username: None,
            password: None,
            ca: None,
            plain_http,
        };
        store.create_registry(registry).await.expect("stored");
    }
    store.close().await;
    let looked = program(data, &["doctor", "--listen", "127.0.0.1:0"])
        .env("SSL_CERT_FILE", data.join("none"))
        .env("SSL_CERT_DIR", data.join("none"))
        .output()
        .expect("it runs");
    let said = words(&looked);
    assert!(
        said.contains("ok       registry plain: plain.test answers"),
        "{said}"
    );
    assert!(said.contains("warning  registry plain: its clock is"), "{said}");
    assert!(
        said.contains("PROBLEM  registry secure:") && said.contains("CA"),
        "{said}"
    );
    assert!(!looked.status.success());
    answering.join().expect("it was asked");
}
