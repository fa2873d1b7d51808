use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};

use crate::engines::Engines;
use crate::folder;
use crate::lab::Lab;
use crate::program::Program;
use crate::report::Report;
use crate::table;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Operations that are submitted.
    #[arg(long, default_value_t = 1_000)]
    operations: u64,
    /// Servers that they are for.
    #[arg(long, default_value_t = 50)]
    servers: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            operations: 1_000,
            servers: 50,
        }
    }
}

/// Who submits at the same time.
const SUBMITTERS: usize = 16;
/// How long a lease on a server lasts, and the time until its end is noticed.
const FAIL_OVER: f64 = 30.0;

/// Operations through the queue on either database, and what happens when one of two programs dies.
pub async fn run(dir: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let mut lab = Lab::open(&folder::short("queue")?);
    let postgres = lab.postgres()?;
    let mut rows = Vec::new();
    for (name, flags) in [
        ("SQLite", vec![]),
        ("PostgreSQL", vec!["--database-url", &postgres]),
    ] {
        let program = Program::start_with(&folder::empty(dir, "queue")?, &flags).await?;
        let row = throughput(&program, options).await?;
        report.figure(
            &format!("queue on {name}"),
            &format!("{} submitted/s, {} finished/s", row[1], row[2]),
        );
        rows.push([vec![name.to_owned()], row].concat());
    }
    table::print(
        &[
            "pulls on fake engines",
            "operations",
            "submitted/s",
            "finished/s",
            "cpu ms each",
        ],
        &rows,
    );
    drop(lab);
    fail_over(dir, report).await
}

#[allow(clippy::cast_precision_loss, reason = "rates for people")]
async fn throughput(program: &Program, options: &Options) -> anyhow::Result<Vec<String>> {
    let engines = Engines::start(options.servers, 5, None).await?;
    let servers = engines.add_to(program).await?;
    program.settled(options.servers, engines.rows().await?).await?;
    let before = program.process().cpu()?;
    let start = Instant::now();
    futures_util::stream::iter(0..options.operations)
        .map(|number| {
            let server = servers[usize::try_from(number).unwrap_or_default() % servers.len()];
            let body = json!({ "reference": format!("bench/queue:{number}"), "serverIds": [server] });
            async move { program.post("/images/pull", &body).await }
        })
        .buffer_unordered(SUBMITTERS)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    let submitted = start.elapsed();
    loop {
        let active = program.read("/operations?active=true&size=1").await?;
        if active["total"] == 0 {
            break;
        }
        ensure!(
            start.elapsed() < Duration::from_mins(10),
            "the queue does not end: {active}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let finished = start.elapsed();
    let failed = program.read("/operations?status=failed&size=1").await?;
    ensure!(failed["total"] == 0, "some failed: {failed}");
    let cpu = program.process().cpu()?.saturating_sub(before);
    let rate = |time: Duration| format!("{:.0}", options.operations as f64 / time.as_secs_f64());
    Ok(vec![
        options.operations.to_string(),
        rate(submitted),
        rate(finished),
        format!("{:.1}", cpu.as_secs_f64() * 1_000.0 / options.operations as f64),
    ])
}

/// Two programs on one `PostgreSQL`; the one that watches every server and pulls an image is killed.
async fn fail_over(dir: &Path, report: &mut Report) -> anyhow::Result<()> {
    let mut lab = Lab::open(&folder::short("queue")?);
    let database = format!("{}?application_name=failover", lab.postgres()?);
    let shared = folder::empty(dir, "failover")?;
    let key = shared.join("secret.key").display().to_string();
    let archives = shared.join("archives").display().to_string();
    let flags = [
        "--database-url",
        &database,
        "--secret-key-file",
        &key,
        "--archive-store",
        &archives,
    ];
    let mut first = Program::start_with(&folder::empty(dir, "failover-one")?, &flags).await?;
    // So slow that the pull outlives everything here.
    let engines = Engines::start(5, 5, Some(100_000)).await?;
    let servers = engines.add_to(&first).await?;
    let rows = engines.rows().await?;
    first.settled(5, rows).await?;
    let body = json!({ "reference": "bench/slow:1", "serverIds": [servers[0]] });
    let pull = first.post("/images/pull", &body).await?;
    let path = format!("/operations/{}", pull["id"].as_str().context("an id")?);
    reaches(&first, &path, Duration::from_secs(30), |pull| {
        pull["status"] == "running"
    })
    .await?;
    let second = Arc::new(Program::start_with(&folder::empty(dir, "failover-two")?, &flags).await?);

    first.kill();
    let limit = Duration::from_mins(3);
    let (engine, _) = engines.all.get(1).context("an engine")?;
    engine
        .hold("bench/elsewhere:1")
        .map_err(|failure| anyhow::anyhow!(failure.to_string()))?;
    let (ended, seen) = tokio::try_join!(
        reaches(&second, &path, limit, |pull| pull["status"] != "running"),
        reaches(
            &second,
            "/images?q=bench/elsewhere&size=1",
            limit,
            |page| page["total"] == 1
        ),
    )?;
    let state = second.read(&path).await?;
    println!(
        "after kill -9: the running pull is {} after {:.1} s, a change on a watched server is seen after {:.1} s",
        state["status"],
        ended.as_secs_f64(),
        seen.as_secs_f64()
    );
    report.at_most(
        "fail-over of a running operation",
        ended.as_secs_f64(),
        FAIL_OVER,
        "s",
    );
    report.at_most(
        "fail-over of a watched server",
        seen.as_secs_f64(),
        FAIL_OVER,
        "s",
    );
    Ok(())
}

/// How long it takes until what is read there is as wanted.
async fn reaches(
    program: &Program,
    path: &str,
    limit: Duration,
    wanted: impl Fn(&Value) -> bool,
) -> anyhow::Result<Duration> {
    let start = Instant::now();
    loop {
        let answer = program.read(path).await?;
        if wanted(&answer) {
            return Ok(start.elapsed());
        }
        ensure!(start.elapsed() < limit, "{path} stays {answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
