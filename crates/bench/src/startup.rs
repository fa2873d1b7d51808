use std::path::Path;
use std::time::Duration;

use clap::Args;

use crate::engines::Engines;
use crate::folder;
use crate::generate::{self, Shape};
use crate::process::Process;
use crate::program::Program;
use crate::report::Report;
use crate::table::{self, Times, mib};

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// How often it is started.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Servers that are watched while memory is measured.
    #[arg(long, default_value_t = 10)]
    servers: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 10,
            servers: 10,
        }
    }
}

/// How long a program rests before its memory is read.
const REST: Duration = Duration::from_secs(5);

/// From the start to ready on an existing database, and the memory of a program that has nothing to do but to watch.
pub async fn run(dir: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for (servers, images, references) in [(10, 100, 400), (200, 5_000, 50_000)] {
        let folder = generate::data_dir(
            dir,
            Shape {
                servers,
                images,
                references,
            },
        )
        .await?;
        let times = starts(&folder, options.rounds).await?;
        let what = format!(
            "start to ready, {servers} servers and {} images",
            servers * images
        );
        report.at_most(&what, times.median().as_secs_f64() * 1_000.0, 300.0, "ms");
        rows.push(vec![
            what,
            table::ms(times.median()),
            table::ms(times.percentile(95)),
        ]);
    }
    table::print(&["on an existing database", "median ms", "p95 ms"], &rows);

    let engines = Engines::start(options.servers, 100, None).await?;
    let folder = folder::empty(dir, "startup")?;
    {
        let program = Program::start(&folder).await?;
        engines.add_to(&program).await?;
        program.settled(options.servers, engines.rows().await?).await?;
    }
    let program = Program::start(&folder).await?;
    program.settled(options.servers, engines.rows().await?).await?;
    tokio::time::sleep(REST).await;
    let (memory, cpu) = resting(program.process()).await?;
    println!(
        "watching {} servers with 100 images each: {} MiB, {} ms of processor in {} s",
        options.servers,
        mib(memory),
        cpu.as_millis(),
        REST.as_secs()
    );
    report.at_most("idle memory with 10 servers", mib(memory).parse()?, 50.0, "MiB");
    Ok(())
}

async fn starts(folder: &Path, rounds: u32) -> anyhow::Result<Times> {
    let mut times = Times::default();
    for _ in 0..rounds {
        times.push(Program::start(folder).await?.ready_after);
    }
    Ok(times)
}

/// Memory at the end of a while in which nobody asks anything, and the processor's time in it.
async fn resting(process: Process) -> anyhow::Result<(u64, Duration)> {
    let before = process.cpu()?;
    tokio::time::sleep(REST).await;
    Ok((process.memory()?, process.cpu()?.saturating_sub(before)))
}
