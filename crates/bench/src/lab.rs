use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

/// Real engines, databases and servers of this run alone, started by the scripts that the tests use; ended with this.
pub struct Lab {
    dir: PathBuf,
    ends: Vec<Vec<String>>,
}

impl Lab {
    /// A lab in that folder; what an earlier run left behind there goes.
    pub fn open(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            ends: Vec::new(),
        }
    }

    /// Starts an engine; its socket. Kinds are those of `scripts/lab/engine-up`.
    pub fn engine(&mut self, name: &str, kind: &str, flags: &[&str]) -> anyhow::Result<Docker> {
        let dir = self.dir.display().to_string();
        script("engine-down", &[name, &dir])?;
        self.ends
            .push(vec!["engine-down".to_owned(), name.to_owned(), dir.clone()]);
        let mut arguments = vec![name, kind, &dir];
        arguments.extend(flags);
        Ok(Docker {
            socket: script("engine-up", &arguments)?,
        })
    }

    /// Starts `PostgreSQL` with nothing in it; the URL of a database.
    pub fn postgres(&mut self) -> anyhow::Result<String> {
        let dir = self.dir.display().to_string();
        script("postgres-down", &[&dir])?;
        std::fs::remove_dir_all(self.dir.join("postgres")).ok();
        self.ends.push(vec!["postgres-down".to_owned(), dir.clone()]);
        script("postgres-up", &[&free_port()?, &dir])
    }

    /// Starts an SSH server in front of an engine; its address.
    pub fn sshd(&mut self, engine: &Docker, password: &str) -> anyhow::Result<String> {
        let dir = self.dir.display().to_string();
        script("sshd-down", &[&dir])?;
        self.ends.push(vec!["sshd-down".to_owned(), dir.clone()]);
        script("sshd-up", &[&free_port()?, &dir, &engine.socket, password])
    }

    /// A file of the lab.
    pub fn file(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for end in self.ends.iter().rev() {
            let arguments: Vec<&str> = end.iter().skip(1).map(String::as_str).collect();
            if let Some(name) = end.first()
                && let Err(error) = script(name, &arguments)
            {
                eprintln!("{error:#}");
            }
        }
        // Engines leave what they held behind.
        std::fs::remove_dir_all(&self.dir).ok();
    }
}

/// The docker command in front of one engine.
#[derive(Debug, Clone)]
pub struct Docker {
    /// Path of its socket.
    pub socket: String,
}

impl Docker {
    /// Runs `docker`; what it printed.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("docker")
            .args(["-H", &format!("unix://{}", self.socket)])
            .args(arguments)
            .output()
            .context("docker")?;
        ensure!(
            output.status.success(),
            "docker {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// As a server's endpoint.
    pub fn endpoint(&self) -> String {
        format!("unix://{}", self.socket)
    }

    /// Takes an image away, if it is there.
    pub fn forget(&self, reference: &str) {
        self.run(&["rmi", "-f", reference]).ok();
    }
}

/// `docker save | docker load`, as a person would type it.
pub fn save_and_load(from: &Docker, to: &Docker, reference: &str) -> anyhow::Result<()> {
    let line = format!(
        "docker -H unix://{} save {reference} | docker -H unix://{} load",
        from.socket, to.socket
    );
    let status = Command::new("bash")
        .args(["-o", "pipefail", "-c", &line])
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "{line} failed");
    Ok(())
}

/// A port of the loopback interface that is free now.
pub fn free_port() -> anyhow::Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port().to_string())
}

/// Runs a script of `scripts/lab`; the last line that it printed.
pub fn script(name: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../scripts/lab")
        .join(name);
    // What it starts keeps its standard error, so that must not be a pipe.
    let output = Command::new(path)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| name.to_owned())?;
    ensure!(output.status.success(), "{name} {} failed", arguments.join(" "));
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().last().unwrap_or_default().to_owned())
}
