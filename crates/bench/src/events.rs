use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Deserialize;
use serde_json::json;

use crate::engines::Engines;
use crate::folder;
use crate::node::Node;
use crate::process::Process;
use crate::program::Program;
use crate::report::Report;
use crate::table::{self, mib};

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Official clients.
    #[arg(long, default_value_t = 500)]
    clients: u32,
    /// Operations at a time.
    #[arg(long, default_value_t = 20)]
    operations: u64,
    /// Seconds of counting.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clients: 500,
            operations: 20,
            seconds: 20,
        }
    }
}

/// How often imagefleet sends what has changed.
const PERIOD_MS: u64 = 270;
/// Bytes that move in a second of a pull: so few that most pulls last as long as this. Each end brings events of other
/// kinds, and those the reference does not send.
const PACE: u64 = 1_000_000;

/// How often a pull is asked whether it has ended: hundreds of questions a second would be most of the work.
const ASK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(1));

/// What clients counted.
#[derive(Debug, Deserialize)]
struct Counted {
    delivered: u64,
    p50: u32,
    p99: u32,
}

/// What was seen of one server.
struct Seen {
    delivered: u64,
    light: Counted,
    cpu: Duration,
    /// What of that it took in as long a time without any client.
    without: Duration,
    memory: u64,
}

/// Progress of many pulls to many clients, and the same from Node's own server right after it.
pub async fn run(dir: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let ours = ours(dir, options).await?;
    let burst = options.operations.min(89);
    // As many events as imagefleet sent, in bursts as it sends them.
    let events = ours.delivered / u64::from(options.clients.max(1));
    let bursts = options.seconds * 1_000 / PERIOD_MS;
    let burst = events.div_ceil(bursts.max(1)).clamp(1, burst);
    let theirs = reference(options, burst).await?;

    let line = |name: &str, seen: &Seen| {
        vec![
            name.to_owned(),
            seen.delivered.to_string(),
            (seen.delivered / options.seconds).to_string(),
            seen.light.p50.to_string(),
            seen.light.p99.to_string(),
            format!("{:.1}", seen.cpu.as_secs_f64()),
            mib(seen.memory),
        ]
    };
    println!(
        "{} clients, {} s; ages as a client alone in its process sees them",
        options.clients, options.seconds
    );
    table::print(
        &[
            "server",
            "delivered",
            "a second",
            "p50 ms",
            "p99 ms",
            "cpu s",
            "MiB",
        ],
        &[line("imagefleet", &ours), line("Node Socket.IO", &theirs)],
    );
    report.at_most(
        "events to 500 clients: p99 (the limit is Node's own)",
        f64::from(ours.light.p99),
        f64::from(theirs.light.p99),
        "ms",
    );
    let per_event = |seen: &Seen| {
        let sending = seen.cpu.saturating_sub(seen.without);
        Duration::from_nanos(u64::try_from(sending.as_nanos()).unwrap_or(u64::MAX) / seen.delivered.max(1))
    };
    println!(
        "of imagefleet's processor {:.1} s go into the pulls and their progress, as without clients",
        ours.without.as_secs_f64()
    );
    report.at_most(
        "events to 500 clients: processor of a delivery / Node's",
        table::quotient(per_event(&ours), per_event(&theirs)),
        0.5,
        "",
    );
    report.figure(
        "events to 500 clients: everything imagefleet did meanwhile / Node's sending",
        &table::ratio(ours.cpu, theirs.cpu),
    );
    Ok(())
}

async fn ours(dir: &Path, options: &Options) -> anyhow::Result<Seen> {
    let program = Arc::new(Program::start(&folder::empty(dir, "events")?).await?);
    let engines = Engines::start(options.operations, 1, Some(PACE)).await?;
    let servers = engines.add_to(&program).await?;
    program.settled(options.operations, engines.rows().await?).await?;
    let token = program.post("/tokens", &json!({ "name": "bench" })).await?;
    let token = token["token"].as_str().context("a token")?.to_owned();

    let mut pulls = tokio::task::JoinSet::<anyhow::Result<Infallible>>::new();
    for server in servers {
        let program = Arc::clone(&program);
        pulls.spawn(async move {
            let mut number = 0;
            loop {
                number += 1;
                // One registry serves only so many at a time.
                let reference = format!("r{}.test/bench/app-{server}:1.{number}", server % 2);
                let body = json!({ "reference": reference, "serverIds": [server] });
                program.run_asking("/images/pull", &body, ASK).await?;
            }
        });
    }
    let without = alone(program.process(), options).await;
    let seen = count(&program.base, &token, options, program.process()).await;
    // None ends by itself but with an error; the others would last for minutes more.
    while let Some(ended) = pulls.try_join_next() {
        ended??;
    }
    let without = without?;
    seen.map(|seen| Seen { without, ..seen })
}

/// What the pulls and their progress take while nobody listens.
async fn alone(program: Process, options: &Options) -> anyhow::Result<Duration> {
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = program.cpu()?;
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    Ok(program.cpu()?.saturating_sub(before))
}

async fn reference(options: &Options, burst: u64) -> anyhow::Result<Seen> {
    let arguments = [burst.to_string(), PERIOD_MS.to_string()];
    let mut server = Node::start("reference.mjs", &arguments)?;
    let port = server.line().await?;
    count(
        &format!("http://127.0.0.1:{port}"),
        "none",
        options,
        server.process()?,
    )
    .await
}

/// Connects the clients and counts for a while. One of them is alone in its process and tells ages; the others are
/// too busy to.
async fn count(url: &str, token: &str, options: &Options, server: Process) -> anyhow::Result<Seen> {
    let clients = |count: u32| {
        Node::start(
            "clients.mjs",
            &[url.to_owned(), count.to_string(), token.to_owned()],
        )
    };
    let mut crowd = clients(options.clients - 1)?;
    let mut light = clients(1)?;
    for node in [&mut crowd, &mut light] {
        let line = node.line().await?;
        ensure!(line == "connected", "the clients say: {line}");
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.forget_peak()?;
    let before = server.cpu()?;
    crowd.tell("begin").await?;
    light.tell("begin").await?;
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let cpu = server.cpu()?.saturating_sub(before);
    let memory = server.peak()?;
    crowd.tell("end").await?;
    light.tell("end").await?;
    let others: Counted = serde_json::from_str(&crowd.line().await?)?;
    let light: Counted = serde_json::from_str(&light.line().await?)?;
    println!(
        "  the other {} clients: {} delivered, p50 {} ms, p99 {} ms",
        options.clients - 1,
        others.delivered,
        others.p50,
        others.p99
    );
    Ok(Seen {
        delivered: others.delivered + light.delivered,
        light,
        cpu,
        without: Duration::ZERO,
        memory,
    })
}
