use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// What the first user is given; every database here is made by the benchmark.
const PASSWORD: &str = "benchmark-password-1";

/// The program, serving a data directory, with somebody logged in.
pub struct Program {
    child: Child,
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
    cookie: String,
    /// From its start until it could serve.
    pub ready_after: Duration,
}

impl Program {
    /// Starts the release build that lies beside this program.
    pub async fn start(data_dir: &Path) -> anyhow::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let started = Instant::now();
        let child = Command::new(binary()?)
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .env("IMAGEFLEET_ADMIN_PASSWORD", PASSWORD)
            .env("RUST_LOG", "warn")
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
            if let Ok((StatusCode::OK, _)) = program.send("/readyz").await {
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

    /// The answer to a GET of the native API, `/images?size=20`.
    pub async fn get(&self, path: &str) -> anyhow::Result<Bytes> {
        let (status, body) = self.send(&format!("/api/v1{path}")).await?;
        ensure!(
            status.is_success(),
            "{path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }

    /// Bytes of memory that it holds now (`VmRSS`, proc(5)).
    pub fn memory(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: u64 = line
            .and_then(|line| line.trim().strip_suffix("kB"))
            .and_then(|kib| kib.trim().parse().ok())
            .context("no VmRSS")?;
        Ok(kib * 1_024)
    }

    async fn log_in(&mut self) -> anyhow::Result<()> {
        let body = format!(r#"{{"username":"admin","password":"{PASSWORD}"}}"#);
        let request = Request::post(format!("{}/api/v1/session", self.base))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))?;
        let response = self.client.request(request).await?;
        if !response.status().is_success() {
            bail!("the login answers {}", response.status());
        }
        let cookies = response.headers().get_all(SET_COOKIE).iter();
        let pairs: Vec<&str> = cookies
            .filter_map(|cookie| cookie.to_str().ok())
            .filter_map(|cookie| cookie.split(';').next())
            .collect();
        self.cookie = pairs.join("; ");
        Ok(())
    }

    async fn send(&self, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::get(format!("{}{path}", self.base))
            .header(COOKIE, &self.cookie)
            .body(Full::default())?;
        let response = self.client.request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Nothing it serves is needed any more; the next start proves that it survives this.
        self.child.kill().ok();
        self.child.wait().ok();
    }
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
