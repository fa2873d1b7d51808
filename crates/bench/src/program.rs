use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::process::Process;

/// What the first user is given; every database here is made by the benchmark.
const PASSWORD: &str = "benchmark-password-1";
/// How soon an operation is asked for the first time whether it has ended, and how seldom later: asking is not what is
/// measured.
const ASK: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));
/// Nothing here takes longer.
const LONGEST: Duration = Duration::from_mins(20);

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// The program, serving a data directory, with somebody logged in.
pub struct Program {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub base: String,
    client: Client<HttpConnector, Body>,
    /// The session, as a `Cookie` header has it.
    pub cookie: String,
    /// From its start until it could serve.
    pub ready_after: Duration,
}

impl Program {
    /// Starts the release build that lies beside this program, on `SQLite`.
    pub async fn start(data_dir: &Path) -> anyhow::Result<Self> {
        Self::start_with(data_dir, &[]).await
    }

    /// The same with more flags.
    pub async fn start_with(data_dir: &Path, flags: &[&str]) -> anyhow::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let started = Instant::now();
        let child = Command::new(binary()?)
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(flags)
            .env("IMAGEFLEET_ADMIN_PASSWORD", PASSWORD)
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .context("imagefleet does not start")?;
        let mut program = Self {
            child,
            base: format!("http://127.0.0.1:{port}"),
            client: Client::builder(TokioExecutor::new()).build_http(),
            cookie: String::new(),
            ready_after: Duration::ZERO,
        };
        loop {
            if let Ok(answer) = program.send(Method::GET, "/readyz", None).await
                && answer.status() == StatusCode::OK
            {
                break;
            }
            ensure!(program.child.try_wait()?.is_none(), "imagefleet ended at once");
            ensure!(
                started.elapsed() < Duration::from_mins(1),
                "imagefleet is not ready after a minute"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        program.ready_after = started.elapsed();
        program.log_in().await?;
        Ok(program)
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Ends it as a fault would.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// The answer to a GET of the native API, `/images?size=20`.
    pub async fn get(&self, path: &str) -> anyhow::Result<Bytes> {
        let answer = self.send(Method::GET, &format!("/api/v1{path}"), None).await?;
        whole(path, answer).await
    }

    /// The same, read as JSON.
    pub async fn read(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.get(path).await?)?)
    }

    /// The answer to a POST of the native API.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self
            .send(Method::POST, &format!("/api/v1{path}"), Some(body))
            .await?;
        Ok(serde_json::from_slice(&whole(path, answer).await?)?)
    }

    /// Deletes something.
    pub async fn delete(&self, path: &str) -> anyhow::Result<()> {
        let answer = self.send(Method::DELETE, &format!("/api/v1{path}"), None).await?;
        whole(path, answer).await.map(drop)
    }

    /// Begins an operation and waits for its end; it must succeed.
    pub async fn run(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.run_asking(path, body, ASK).await
    }

    /// The same, asking no more often than that: where the answers' cost would be counted too.
    pub async fn run_asking(
        &self,
        path: &str,
        body: &Value,
        ask: (Duration, Duration),
    ) -> anyhow::Result<Value> {
        let begun = self.post(path, body).await?;
        let ended = self.ended(&begun["id"], ask).await?;
        ensure!(
            ended["status"] == "succeeded",
            "{path} ended as {}: {} {}",
            ended["status"],
            ended["error"],
            ended["steps"]
        );
        Ok(ended)
    }

    /// The operation when it has ended; asked about after the shorter time at first, and the longer at most.
    async fn ended(&self, id: &Value, ask: (Duration, Duration)) -> anyhow::Result<Value> {
        let id = id.as_str().context("an operation has an id")?;
        let started = Instant::now();
        loop {
            let operation = self.read(&format!("/operations/{id}")).await?;
            if !operation["finishedAt"].is_null() {
                return Ok(operation);
            }
            ensure!(
                started.elapsed() < LONGEST,
                "operation {id} does not end: {operation}"
            );
            tokio::time::sleep((started.elapsed() / 50).clamp(ask.0, ask.1)).await;
        }
    }

    /// Adds a server; its id.
    pub async fn add_server(&self, name: &str, endpoint: &str, more: Value) -> anyhow::Result<i64> {
        let mut body = json!({ "name": name, "endpoint": endpoint });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let server = self.post("/servers", &body).await?;
        server["id"].as_i64().context("a server has an id")
    }

    /// Waits until so many servers are online and hold so many images together.
    pub async fn settled(&self, servers: u64, images: u64) -> anyhow::Result<Duration> {
        let started = Instant::now();
        loop {
            let page = self.read("/servers?status=online&size=1").await?;
            let held = self.read("/images?size=1").await?;
            if page["total"] == servers && held["total"] == images {
                return Ok(started.elapsed());
            }
            ensure!(
                started.elapsed() < LONGEST,
                "{} of {servers} servers are online, with {} of {images} images",
                page["total"],
                held["total"]
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Uploads a file (tus, creation with upload); the upload's id.
    pub async fn upload(&self, file: &Path) -> anyhow::Result<String> {
        let length = std::fs::metadata(file)?.len();
        let chunks = chunks(file).await?;
        let request = Request::post(format!("{}/api/v1/uploads", self.base))
            .header(COOKIE, &self.cookie)
            .header("tus-resumable", "1.0.0")
            .header("upload-length", length)
            .header("content-length", length)
            .header("upload-metadata", "filename YmVuY2gudGFy")
            .header(CONTENT_TYPE, "application/offset+octet-stream")
            .body(StreamBody::new(chunks.map_ok(Frame::data)).boxed_unsync())?;
        let answer = self.client.request(request).await?;
        let location = answer.headers().get(LOCATION).cloned();
        whole("/uploads", answer).await?;
        let location = location.context("no Location")?.to_str()?.to_owned();
        let id = location.rsplit('/').next().context("an upload has an id")?;
        Ok(id.to_owned())
    }

    /// Forgets an upload.
    pub async fn delete_upload(&self, id: &str) -> anyhow::Result<()> {
        let request = Request::delete(format!("{}/api/v1/uploads/{id}", self.base))
            .header(COOKIE, &self.cookie)
            .header("tus-resumable", "1.0.0")
            .body(
                Full::new(Bytes::new())
                    .map_err(|never| match never {})
                    .boxed_unsync(),
            )?;
        whole("/uploads", self.client.request(request).await?)
            .await
            .map(drop)
    }

    /// The body of a file, to be read at any pace.
    pub async fn open(&self, path: &str) -> anyhow::Result<Response<Incoming>> {
        let answer = self.send(Method::GET, &format!("/api/v1{path}"), None).await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.status());
        Ok(answer)
    }

    async fn log_in(&mut self) -> anyhow::Result<()> {
        let body = json!({ "username": "admin", "password": PASSWORD });
        let answer = self.send(Method::POST, "/api/v1/session", Some(&body)).await?;
        if !answer.status().is_success() {
            bail!("the login answers {}", answer.status());
        }
        let cookies = answer.headers().get_all(SET_COOKIE).iter();
        let pairs: Vec<&str> = cookies
            .filter_map(|cookie| cookie.to_str().ok())
            .filter_map(|cookie| cookie.split(';').next())
            .collect();
        self.cookie = pairs.join("; ");
        Ok(())
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(COOKIE, &self.cookie);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let bytes = body.map(ToString::to_string).unwrap_or_default();
        let body = Full::new(Bytes::from(bytes)).map_err(|never| match never {});
        Ok(self.client.request(request.body(body.boxed_unsync())?).await?)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Nothing it serves is needed any more; the next start proves that it survives this.
        self.kill();
    }
}

/// A file in pieces.
pub async fn chunks(
    file: &Path,
) -> anyhow::Result<impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + use<>> {
    let opened = tokio::fs::File::open(file).await?;
    Ok(futures_util::stream::try_unfold(
        opened,
        |mut opened| async move {
            let mut chunk = bytes::BytesMut::with_capacity(256 << 10);
            let read = tokio::io::AsyncReadExt::read_buf(&mut opened, &mut chunk).await?;
            Ok((read > 0).then(|| (chunk.freeze(), opened)))
        },
    ))
}

async fn whole(path: &str, answer: Response<Incoming>) -> anyhow::Result<Bytes> {
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    ensure!(
        status.is_success(),
        "{path}: {status} {}",
        String::from_utf8_lossy(&body)
    );
    Ok(body)
}

fn binary() -> anyhow::Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("imagefleet");
    ensure!(
        beside.exists(),
        "{} is missing: run make build first",
        beside.display()
    );
    Ok(beside)
}
