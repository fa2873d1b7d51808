use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::process::Process;

/// A script of `crates/bench/node` that is spoken to in lines; ended with this.
pub struct Node {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Node {
    /// Starts it.
    pub fn start(script: &str, arguments: &[String]) -> anyhow::Result<Self> {
        let folder = folder();
        ensure!(
            folder.join("node_modules").exists(),
            "npm ci was not run in {}: make bench does",
            folder.display()
        );
        let mut child = Command::new("node")
            .arg(folder.join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node")?;
        let output = child.stdout.take().context("a standard output")?;
        Ok(Self {
            input: child.stdin.take(),
            output: BufReader::new(output).lines(),
            child,
        })
    }

    /// The next line that it prints.
    pub async fn line(&mut self) -> anyhow::Result<String> {
        self.output.next_line().await?.context("the script ended")
    }

    /// Tells it a line.
    pub async fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("a standard input")?;
        Ok(input.write_all(format!("{line}\n").as_bytes()).await?)
    }

    /// Its process.
    pub fn process(&self) -> anyhow::Result<Process> {
        Ok(Process(self.child.id().context("the script ended")?))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("node")
}
