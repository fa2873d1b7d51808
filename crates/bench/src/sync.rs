use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use crate::engines::Engines;
use crate::folder;
use crate::program::Program;
use crate::report::Report;
use crate::table::{self, Times, mib};

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Images of the one server.
    #[arg(long, default_value_t = 1_000)]
    images: usize,
    /// How often it is synced.
    #[arg(long, default_value_t = 30)]
    rounds: u32,
    /// Servers that come all at once.
    #[arg(long, default_value_t = 200)]
    servers: u64,
    /// Images on each of them.
    #[arg(long, default_value_t = 500)]
    images_each: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            images: 1_000,
            rounds: 30,
            servers: 200,
            images_each: 500,
        }
    }
}

/// One server synced again and again beside the bare call to its engine; then the first sync of many.
pub async fn run(dir: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    one(dir, options, report).await?;
    many(dir, options, report).await
}

async fn one(dir: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let program = Program::start(&folder::empty(dir, "sync")?).await?;
    let engines = Engines::start(1, options.images, None).await?;
    let rows = engines.rows().await?;
    let ids = engines.add_to(&program).await?;
    let first = program.settled(1, rows).await?;
    let (_, endpoint) = engines.all.first().context("an engine")?;
    let address = endpoint.trim_start_matches("tcp://");
    let (mut bare, mut synced, mut inside) = (Times::default(), Times::default(), Times::default());
    for _ in 0..options.rounds {
        let start = Instant::now();
        bare_list(address).await?;
        bare.push(start.elapsed());
        let start = Instant::now();
        let operation = program.run("/images/sync", &json!({ "serverIds": ids })).await?;
        synced.push(start.elapsed());
        inside.push(lasted(&operation)?);
    }
    table::print(
        &["one server", "median ms", "p95 ms", "x bare"],
        &[
            ("bare GET /images/json", &bare),
            ("sync, from the request to the end seen", &synced),
            ("sync, from its start to its end", &inside),
        ]
        .map(|(name, times)| {
            vec![
                format!("{name}, {} images", options.images),
                table::ms(times.median()),
                table::ms(times.percentile(95)),
                table::ratio(times.median(), bare.median()),
            ]
        }),
    );
    println!(
        "first sync of that server, seen from outside: {} ms",
        table::ms(first)
    );
    report.figure(
        "sync of one server with 1,000 images / the bare engine call",
        &format!(
            "{} (the call takes {} ms)",
            table::ratio(inside.median(), bare.median()),
            table::ms(bare.median())
        ),
    );
    Ok(())
}

async fn many(dir: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let program = Program::start(&folder::empty(dir, "sync")?).await?;
    let engines = Engines::start(options.servers, options.images_each, None).await?;
    let rows = engines.rows().await?;
    let process = program.process();
    process.forget_peak()?;
    let before = process.cpu()?;
    let start = Instant::now();
    engines.add_to(&program).await?;
    let added = start.elapsed();
    program.settled(options.servers, rows).await?;
    let all = start.elapsed();
    let cpu = process.cpu()?.saturating_sub(before);
    println!(
        "first sync of {} servers x {} images: {:.1} s ({:.1} s of them adding the servers), {:.0} images/s, {:.1} s of processor, peak {} MiB",
        options.servers,
        options.images_each,
        all.as_secs_f64(),
        added.as_secs_f64(),
        rate(rows, all),
        cpu.as_secs_f64(),
        mib(process.peak()?),
    );
    report.figure(
        "first sync of 200 servers x 500 images",
        &format!("{:.1} s, {:.0} images/s", all.as_secs_f64(), rate(rows, all)),
    );
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(rows: u64, time: Duration) -> f64 {
    rows as f64 / time.as_secs_f64()
}

/// What the engine takes to list its images, over a new connection as a person's curl would.
async fn bare_list(address: &str) -> anyhow::Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let request = "GET /v1.41/images/json HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    anyhow::ensure!(answer.starts_with(b"HTTP/1.1 200"), "the engine does not list");
    Ok(())
}

/// From its start to its end, as the operation tells.
fn lasted(operation: &serde_json::Value) -> anyhow::Result<Duration> {
    let at = |field: &str| {
        let text = operation[field].as_str().with_context(|| format!("no {field}"))?;
        anyhow::Ok(chrono::DateTime::parse_from_rfc3339(text)?)
    };
    Ok((at("finishedAt")? - at("startedAt")?).to_std()?)
}
