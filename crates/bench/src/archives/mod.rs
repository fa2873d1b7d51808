//! Exports, imports and copies on real engines beside the docker command on the same engines, one after the other in
//! turn, so that what the machine does otherwise strikes both.

mod copy;
mod export;
pub mod image;
mod import;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use crate::folder;
use crate::lab::{Docker, Lab};
use crate::program::Program;
use crate::report::Report;
use crate::table::{self, Times, mib};

use self::image::{Archives, CHANGED, IMAGE};

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// MiB of the image.
    #[arg(long, default_value_t = 1_500)]
    mib: u64,
    /// How often each pair is measured.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Only these: export, import, copy.
    #[arg(long)]
    only: Vec<String>,
    /// Only on these stores: classic, containerd.
    #[arg(long)]
    store: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mib: 1_500,
            rounds: 3,
            only: Vec::new(),
            store: Vec::new(),
        }
    }
}

impl Options {
    fn wants(&self, what: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == what)
    }
}

/// What of this a program may take above what it holds when it rests.
const MEMORY: f64 = 64.0;

/// Three engines of one image store, known to a program.
struct Bench {
    program: Program,
    store: &'static str,
    archives: Archives,
    rounds: u32,
    /// The engine that has the image, and two that do not.
    source: Side,
    targets: [Side; 2],
    _lab: Lab,
}

struct Side {
    docker: Docker,
    id: i64,
}

/// Every store in turn.
pub async fn run(dir: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    for (store, kind) in [("classic", "docker20"), ("containerd", "docker28-containerd")] {
        if !options.store.is_empty() && !options.store.iter().any(|only| only == store) {
            continue;
        }
        let bench = Bench::start(dir, options, store, kind).await?;
        // The issue asks for exports on the classic store alone: the other one streams its saves slower by itself.
        if options.wants("export") && store == "classic" {
            export::run(&bench, report).await?;
        }
        if options.wants("import") {
            import::run(&bench, report).await?;
        }
        if options.wants("copy") {
            copy::run(&bench, report).await?;
        }
    }
    Ok(())
}

impl Bench {
    async fn start(dir: &Path, options: &Options, store: &'static str, kind: &str) -> anyhow::Result<Self> {
        let archives = image::make(dir, options.mib)?;
        let mut lab = Lab::open(&folder::short("archives")?);
        let program = Program::start(&folder::empty(dir, "archives")?).await?;
        let source = Side::start(&mut lab, &program, "source", kind).await?;
        let targets = [
            Side::start(&mut lab, &program, "one", kind).await?,
            Side::start(&mut lab, &program, "two", kind).await?,
        ];
        for archive in [&archives.plain, &archives.changed] {
            let path = archive.to_str().context("a plain path")?;
            source.docker.run(&["load", "-q", "-i", path])?;
        }
        let bench = Self {
            program,
            store,
            archives,
            rounds: options.rounds,
            source,
            targets,
            _lab: lab,
        };
        bench.rest().await?;
        Ok(bench)
    }

    /// The image of that name on a server.
    async fn image(&self, side: &Side, reference: &str) -> anyhow::Result<i64> {
        let path = format!("/images?serverId={}&q={reference}", side.id);
        let page = self.program.read(&path).await?;
        page["items"][0]["id"]
            .as_i64()
            .with_context(|| format!("{reference} is not listed"))
    }

    /// Brings the inventory in step, writes out what the disk still has to take, and forgets the peak of memory; what
    /// the program holds at rest.
    async fn rest(&self) -> anyhow::Result<u64> {
        self.program.run("/images/sync", &json!({})).await?;
        let synced = std::process::Command::new("sync").status()?;
        anyhow::ensure!(synced.success(), "sync failed");
        self.program.process().forget_peak()?;
        self.program.process().memory()
    }

    /// What an operation took, and how much memory above `rest`.
    async fn timed(&self, path: &str, body: &Value, rest: u64) -> anyhow::Result<(Duration, Value, u64)> {
        let start = Instant::now();
        let ended = self.program.run(path, body).await?;
        let took = start.elapsed();
        Ok((took, ended, self.program.process().peak()?.saturating_sub(rest)))
    }
}

impl Side {
    async fn start(lab: &mut Lab, program: &Program, name: &str, kind: &str) -> anyhow::Result<Self> {
        let docker = lab.engine(name, kind, &[])?;
        let id = program.add_server(name, &docker.endpoint(), json!({})).await?;
        Ok(Self { docker, id })
    }
}

/// Prints a pair and notes whether its ratio and its memory are within their targets.
fn pair(
    report: &mut Report,
    what: &str,
    bare: (&str, &Times),
    ours: &Times,
    limit: Option<f64>,
    memory: u64,
) {
    let ratio = table::quotient(ours.median(), bare.1.median());
    table::print(
        &["what", bare.0, "imagefleet", "ratio", "memory above idle"],
        &[vec![
            what.to_owned(),
            table::seconds(bare.1),
            table::seconds(ours),
            format!("{ratio:.2}"),
            format!("{} MiB", mib(memory)),
        ]],
    );
    match limit {
        Some(limit) => report.at_most(&format!("{what} / {}", bare.0), ratio, limit, ""),
        None => report.figure(&format!("{what} / {}", bare.0), &format!("{ratio:.2}")),
    }
    report.at_most(
        &format!("{what}: memory above idle"),
        mib(memory).parse().unwrap_or(f64::MAX),
        MEMORY,
        "MiB",
    );
}
