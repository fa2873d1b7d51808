use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use imagefleet_engine::fake::{Fault, FaultyCall};

use crate::engines::Engines;
use crate::folder;
use crate::program::Program;
use crate::report::Report;
use crate::table::{self, Times, mib};

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Servers.
    #[arg(long, default_value_t = 1_000)]
    servers: u64,
    /// Images on each.
    #[arg(long, default_value_t = 500)]
    images: usize,
    /// Seconds of steady state.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            servers: 1_000,
            images: 500,
            seconds: 60,
        }
    }
}

/// Servers of which one is to hang.
const HUNDRED: usize = 100;
/// Pages that people look at while the fleet is watched.
const PAGES: [&str; 4] = [
    "/images?size=20",
    "/images/by-server?size=20",
    "/images/by-image?size=20",
    "/images?q=app1&size=20&page=50",
];

/// Many servers at rest, pages read meanwhile, and one of a hundred that hangs.
pub async fn run(dir: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let program = Program::start(&folder::empty(dir, "fleet")?).await?;
    let engines = Engines::start(options.servers, options.images, None).await?;
    let rows = engines.rows().await?;
    let process = program.process();
    let start = Instant::now();
    engines.add_to(&program).await?;
    let added = start.elapsed();
    // Pages stay quick while everything arrives.
    let (arrived, mut busy) = tokio::try_join!(program.settled(options.servers, rows), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        pages(&program, Duration::from_secs(10)).await
    })?;
    let what = format!("{} servers x {} images", options.servers, options.images);
    println!(
        "{what}: all known after {:.1} s, {:.1} s of processor, {} MiB at the most",
        (added + arrived).as_secs_f64(),
        process.cpu()?.as_secs_f64(),
        mib(process.peak()?),
    );
    report.figure(
        &format!("first sync of {what}"),
        &format!("{:.1} s", (added + arrived).as_secs_f64()),
    );

    tokio::time::sleep(Duration::from_secs(10)).await;
    let steady = Duration::from_secs(options.seconds);
    let before = process.cpu()?;
    tokio::time::sleep(steady).await;
    let share = table::quotient(process.cpu()?.saturating_sub(before), steady) * 100.0;
    let memory = process.memory()?;
    println!("{what}, at rest: {share:.1} % of one core, {} MiB", mib(memory));
    report.figure(
        &format!("{what}, at rest"),
        &format!("{share:.1} % of one core, {} MiB", mib(memory)),
    );

    let mut calm = pages(&program, Duration::from_secs(10)).await?;
    let mut lines = Vec::new();
    for page in PAGES {
        let (calm, busy) = (
            calm.remove(page).unwrap_or_default(),
            busy.remove(page).unwrap_or_default(),
        );
        lines.push(vec![
            page.to_owned(),
            table::ms(calm.median()),
            table::ms(calm.percentile(95)),
            table::ms(busy.median()),
            table::ms(busy.percentile(95)),
        ]);
    }
    table::print(
        &["page", "at rest ms", "p95 ms", "while all arrive ms", "p95 ms"],
        &lines,
    );
    hanging(&program, &engines, report).await
}

/// How long changes on ninety-nine servers take until they are seen: without and with a hundredth that hangs.
async fn hanging(program: &Program, engines: &Engines, report: &mut Report) -> anyhow::Result<()> {
    let hundred = engines.all.len().min(HUNDRED);
    let others = &engines.all[1..hundred];
    let seen = async |name: &str| -> anyhow::Result<Duration> {
        let start = Instant::now();
        for (engine, _) in others {
            engine
                .hold(&format!("bench/{name}:1"))
                .map_err(|failure| anyhow::anyhow!(failure.to_string()))?;
        }
        loop {
            let page = program.read(&format!("/images?q=bench/{name}&size=1")).await?;
            if page["total"] == others.len() {
                return Ok(start.elapsed());
            }
            anyhow::ensure!(
                start.elapsed() < Duration::from_mins(2),
                "{name} is not seen everywhere: {page}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (mut without, mut with) = (Times::default(), Times::default());
    for round in 0..3 {
        without.push(seen(&format!("well{round}")).await?);
        if let Some((engine, _)) = engines.all.first() {
            engine.inject(FaultyCall::Any, Fault::Hang, None);
            // It is in the middle of a look that does not end.
            engine
                .hold(&format!("bench/hung{round}:1"))
                .map_err(|failure| anyhow::anyhow!(failure.to_string()))?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            with.push(seen(&format!("beside{round}")).await?);
            engine.heal();
        }
    }
    println!(
        "a change on {} servers at once is seen after {} ms; with one more that hangs {} ms",
        others.len(),
        table::ms(without.median()),
        table::ms(with.median())
    );
    report.at_most(
        "changes seen on 99 servers, one of the hundred hanging",
        with.percentile(100).as_secs_f64(),
        2.0,
        "s",
    );
    Ok(())
}

/// The pages again and again for a while.
async fn pages(program: &Program, long: Duration) -> anyhow::Result<BTreeMap<&'static str, Times>> {
    let mut times: BTreeMap<&'static str, Times> = BTreeMap::new();
    let start = Instant::now();
    while start.elapsed() < long {
        for page in PAGES {
            let asked = Instant::now();
            program.get(page).await?;
            times.entry(page).or_default().push(asked.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(times)
}
