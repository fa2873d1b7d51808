use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";
/// Nothing here takes that long on any machine.
const LIMIT: Duration = Duration::from_mins(2);

/// The program as it is built, on a folder of its own.
pub struct Program {
    data: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
    client: Client,
    token: String,
}

impl Program {
    pub fn new() -> Self {
        // Another test of this process may have been quicker.
        rustls::crypto::ring::default_provider().install_default().ok();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        Self {
            data: tempfile::tempdir().expect("a folder"),
            port: listener.local_addr().expect("an address").port(),
            child: None,
            client: Client::new(),
            token: String::new(),
        }
    }

    pub async fn start(&mut self) {
        let child = Command::new(env!("CARGO_BIN_EXE_imagefleet"))
            .arg("serve")
            .arg("--data-dir")
            .arg(self.data.path())
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .env("IMAGEFLEET_ADMIN_PASSWORD", PASSWORD)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.expect("it starts"));
        let ready = async {
            while !self
                .client
                .get(self.url("/readyz"))
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, ready).await.expect("it is ready");
        if self.token.is_empty() {
            self.log_in().await;
        }
    }

    async fn log_in(&mut self) {
        let body = json!({"username": "admin", "password": PASSWORD});
        let login = self
            .client
            .post(self.url("/api/v1/session"))
            .json(&body)
            .send()
            .await
            .expect("an answer");
        let cookie = login.headers()["set-cookie"].to_str().expect("text");
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        let made = self
            .client
            .post(self.url("/api/v1/tokens"))
            .header("cookie", cookie);
        let made = made
            .json(&json!({"name": "crash"}))
            .send()
            .await
            .expect("an answer");
        let made: Value = made.json().await.expect("JSON");
        made["token"]
            .as_str()
            .expect("a token")
            .clone_into(&mut self.token);
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("gone");
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, self.url(&format!("/api/v1{path}")))
            .bearer_auth(&self.token)
    }

    async fn answer(&self, request: RequestBuilder) -> Response {
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        if status.is_success() {
            return answer;
        }
        panic!("{status}: {}", answer.text().await.unwrap_or_default())
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.answer(self.request(Method::GET, path)).await;
        answer.json().await.expect("JSON")
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.answer(self.request(Method::POST, path).json(&body)).await;
        answer.json().await.expect("JSON")
    }

    pub async fn delete(&self, path: &str) {
        self.answer(self.request(Method::DELETE, path)).await;
    }

    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let answer = self.get(path).await;
                if wanted(&answer) {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        tokio::time::timeout(LIMIT, asking)
            .await
            .unwrap_or_else(|_| panic!("{path} never became as wanted"))
    }

    pub async fn end_of(&self, operation: &str) -> Value {
        let path = format!("/operations/{operation}");
        self.until(&path, |operation| operation["finishedAt"].is_string())
            .await
    }

    pub async fn server(&self, name: &str, endpoint: &str) -> i64 {
        let added = self
            .post("/servers", json!({"name": name, "endpoint": endpoint}))
            .await;
        let id = added["id"].as_i64().expect("an id");
        self.until(&format!("/servers/{id}"), |server| {
            server["lastSyncAt"].is_string()
        })
        .await;
        id
    }

    /// The row of an image; it must be there.
    pub async fn image(&self, server: i64, name: &str) -> i64 {
        let (repository, tag) = name.rsplit_once(':').expect("a tag");
        let path = format!("/images?serverId={server}&repository={repository}&tag={tag}");
        let listed = self.get(&path).await;
        listed["items"][0]["id"]
            .as_i64()
            .unwrap_or_else(|| panic!("{name} is not on {server}: {listed:#}"))
    }

    pub async fn remove(&self, server: i64, name: &str) {
        let image = self.image(server, name).await;
        let begun = self
            .post("/images/delete", json!({"imageIds": [image], "force": true}))
            .await;
        let done = self.end_of(begun["id"].as_str().expect("an id")).await;
        assert_eq!(done["status"], "succeeded", "{done:#}");
    }

    /// Begins an upload and sends half of it; its id, and how much was sent.
    pub async fn upload_half(&self, bytes: &[u8]) -> (String, u64) {
        let half = bytes.len() / 2;
        let request = self
            .request(Method::POST, "/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-length", bytes.len())
            .header("content-type", "application/offset+octet-stream")
            .body(bytes[..half].to_vec());
        let begun = self.answer(request).await;
        assert_eq!(begun.status(), StatusCode::CREATED);
        let location = begun.headers()["location"].to_str().expect("text");
        let id = location.rsplit('/').next().expect("an id").to_owned();
        (id, half as u64)
    }

    pub async fn offset(&self, upload: &str) -> u64 {
        let request = self.request(Method::HEAD, &format!("/uploads/{upload}"));
        let head = self.answer(request.header("tus-resumable", "1.0.0")).await;
        let offset = head.headers()["upload-offset"].to_str().expect("text");
        offset.parse().expect("a number")
    }

    pub async fn upload_rest(&self, upload: &str, bytes: &[u8], offset: u64) {
        let rest = &bytes[usize::try_from(offset).expect("small")..];
        let request = self
            .request(Method::PATCH, &format!("/uploads/{upload}"))
            .header("tus-resumable", "1.0.0")
            .header("upload-offset", offset)
            .header("content-type", "application/offset+octet-stream")
            .body(rest.to_vec());
        self.answer(request).await;
    }

    /// Waits until no file of that kind is left: the sweep at the start runs beside the first answers.
    pub async fn none_left(&self, kind: &str) {
        let folder = self.data.path().join("archives").join(kind);
        let gone = async {
            while files(&folder) > 0 {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        let gone = tokio::time::timeout(LIMIT, gone).await;
        assert!(
            gone.is_ok(),
            "{} files are left in {}",
            files(&folder),
            folder.display()
        );
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path()),
            _ => 1,
        })
        .sum()
}
