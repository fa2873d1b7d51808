use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

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
    /// Seconds of counting in a round.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Rounds of each server, in turn.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clients: 500,
            operations: 20,
            seconds: 20,
            rounds: 5,
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
#[derive(Debug, Default)]
struct Seen {
    delivered: u64,
    /// Of each round, what the client alone in its process told.
    light: Vec<Counted>,
    cpu: Duration,
    memory: u64,
}

impl Seen {
    fn add(&mut self, round: Self) {
        self.delivered += round.delivered;
        self.light.extend(round.light);
        self.cpu += round.cpu;
        self.memory = self.memory.max(round.memory);
    }

    /// The round in the middle by that age.
    fn median(&self, age: impl Fn(&Counted) -> u32) -> u32 {
        let mut ages: Vec<_> = self.light.iter().map(age).collect();
        ages.sort_unstable();
        ages.get(ages.len() / 2).copied().unwrap_or_default()
    }
}

/// Progress of many pulls to many clients, and the same from Node's own server, in turn. The pulls go on all the time, so that
/// both servers have the same going on beside them.
pub async fn run(dir: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let program = Arc::new(Program::start(&folder::empty(dir, "events")?).await?);
    let engines = Engines::start(options.operations, 1, Some(PACE)).await?;
    let servers = engines.add_to(&program).await?;
    program.settled(options.operations, engines.rows().await?).await?;
    let token = program.post("/tokens", &json!({ "name": "bench" })).await?;
    let token = token["token"].as_str().context("a token")?.to_owned();
    let mut pulls = pull_for_ever(&program, &servers);

    let (mut ours, mut theirs) = (Seen::default(), Seen::default());
    // What the pulls and their progress take while nobody listens.
    let mut without = Duration::ZERO;
    for round in 0..options.rounds {
        println!("round {}, imagefleet", round + 1);
        let seen = count(&program.base, &token, options, program.process(), None).await?;
        // As many events as imagefleet sent, in bursts as it sends them.
        let events = seen.0.delivered / u64::from(options.clients.max(1));
        let bursts = options.seconds * 1_000 / PERIOD_MS;
        let burst = events
            .div_ceil(bursts.max(1))
            .clamp(1, options.operations.clamp(1, 89));
        ours.add(seen.0);
        println!("round {}, Node Socket.IO", round + 1);
        let seen = reference(options, burst, program.process()).await?;
        theirs.add(seen.0);
        without += seen.1;
    }
    // None ends by itself but with an error; the others would last for minutes more.
    while let Some(ended) = pulls.try_join_next() {
        ended??;
    }
    tell(options, report, &ours, &theirs, without);
    Ok(())
}

fn tell(options: &Options, report: &mut Report, ours: &Seen, theirs: &Seen, without: Duration) {
    let line = |name: &str, seen: &Seen| {
        let seconds = options.seconds * u64::from(options.rounds);
        let rounds: Vec<_> = seen.light.iter().map(|light| light.p99.to_string()).collect();
        vec![
            name.to_owned(),
            seen.delivered.to_string(),
            (seen.delivered / seconds.max(1)).to_string(),
            seen.median(|light| light.p50).to_string(),
            seen.median(|light| light.p99).to_string(),
            rounds.join(" "),
            format!("{:.1}", seen.cpu.as_secs_f64()),
            mib(seen.memory),
        ]
    };
    println!(
        "{} clients, {} times {} s in turn; ages as a client alone in its process sees them, medians of the rounds",
        options.clients, options.rounds, options.seconds
    );
    table::print(
        &[
            "server",
            "delivered",
            "a second",
            "p50 ms",
            "p99 ms",
            "of each round",
            "cpu s",
            "MiB",
        ],
        &[line("imagefleet", ours), line("Node Socket.IO", theirs)],
    );
    report.at_most(
        "events to 500 clients: p99 (the limit is Node's own)",
        f64::from(ours.median(|light| light.p99)),
        f64::from(theirs.median(|light| light.p99)),
        "ms",
    );
    let per_event = |cpu: Duration, seen: &Seen| {
        Duration::from_nanos(u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX) / seen.delivered.max(1))
    };
    println!(
        "of imagefleet's processor {:.1} s go into the pulls and their progress, as without clients",
        without.as_secs_f64()
    );
    report.at_most(
        "events to 500 clients: processor of a delivery / Node's",
        table::quotient(
            per_event(ours.cpu.saturating_sub(without), ours),
            per_event(theirs.cpu, theirs),
        ),
        0.5,
        "",
    );
    report.figure(
        "events to 500 clients: everything imagefleet did meanwhile / Node's sending",
        &table::ratio(ours.cpu, theirs.cpu),
    );
}

/// One pull after the other on each server; what ends is an error.
fn pull_for_ever(program: &Arc<Program>, servers: &[i64]) -> JoinSet<anyhow::Result<Infallible>> {
    let mut pulls = JoinSet::new();
    for server in servers.iter().copied() {
        let program = Arc::clone(program);
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
    pulls
}

/// Node's server, and the processor that `beside` took while it was counted.
async fn reference(options: &Options, burst: u64, beside: Process) -> anyhow::Result<(Seen, Duration)> {
    let arguments = [burst.to_string(), PERIOD_MS.to_string()];
    let mut server = Node::start("reference.mjs", &arguments)?;
    let port = server.line().await?;
    let url = format!("http://127.0.0.1:{port}");
    count(&url, "none", options, server.process()?, Some(beside)).await
}

/// Connects the clients and counts for a while. One of them is alone in its process and tells ages; the others are
/// too busy to. Also what another process took meanwhile.
async fn count(
    url: &str,
    token: &str,
    options: &Options,
    server: Process,
    beside: Option<Process>,
) -> anyhow::Result<(Seen, Duration)> {
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
    let other = || beside.map_or(Ok(Duration::ZERO), Process::cpu);
    let (before, other_before) = (server.cpu()?, other()?);
    crowd.tell("begin").await?;
    light.tell("begin").await?;
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let cpu = server.cpu()?.saturating_sub(before);
    let other = other()?.saturating_sub(other_before);
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
    let seen = Seen {
        delivered: others.delivered + light.delivered,
        light: vec![light],
        cpu,
        memory,
    };
    Ok((seen, other))
}
