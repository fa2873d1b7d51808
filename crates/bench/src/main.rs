//! `imagefleet-bench`: one program that measures imagefleet beside the bare engine, database or a reference, and prints
//! ratios, so that figures of different machines can be compared. One file a benchmark.

mod archives;
mod engines;
mod events;
mod fleet;
mod folder;
mod generate;
mod lab;
mod node;
mod pages;
mod point;
mod process;
mod program;
mod queue;
mod report;
mod startup;
mod sync;
mod table;
mod ways;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use crate::report::Report;

#[derive(Parser)]
#[command(about = "Measures imagefleet and prints ratios; without a name, everything in turn")]
struct Cli {
    /// Where databases and images are made; kept, so that a second run starts at once.
    #[arg(long, default_value = "target/bench", global = true)]
    dir: PathBuf,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// Page queries over a large inventory, through HTTP: every view, every filter, first and deep pages
    Pages(pages::Options),
    /// One server synced beside the bare engine call, and the first sync of many
    Sync(sync::Options),
    /// From the start to ready, and idle memory
    Startup(startup::Options),
    /// Exports, imports and copies on real engines beside the docker command
    Archives(archives::Options),
    /// Save and load through TLS and SSH beside the plain socket
    Ways(ways::Options),
    /// A thousand servers at rest, and one of a hundred that hangs
    Fleet(fleet::Options),
    /// Live events to many clients beside Node's own Socket.IO server
    Events(events::Options),
    /// Operations a second on either database, and a program that dies
    Queue(queue::Options),
}

impl What {
    fn all() -> Vec<Self> {
        vec![
            Self::Pages(pages::Options::default()),
            Self::Sync(sync::Options::default()),
            Self::Startup(startup::Options::default()),
            Self::Archives(archives::Options::default()),
            Self::Ways(ways::Options::default()),
            Self::Fleet(fleet::Options::default()),
            Self::Events(events::Options::default()),
            Self::Queue(queue::Options::default()),
        ]
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Pages(_) => "pages",
            Self::Sync(_) => "sync",
            Self::Startup(_) => "startup",
            Self::Archives(_) => "archives",
            Self::Ways(_) => "ways",
            Self::Fleet(_) => "fleet",
            Self::Events(_) => "events",
            Self::Queue(_) => "queue",
        }
    }

    async fn run(&self, dir: &Path, report: &mut Report) -> anyhow::Result<()> {
        println!("\n=== {}", self.name());
        match self {
            Self::Pages(options) => pages::run(dir, options, report).await,
            Self::Sync(options) => sync::run(dir, options, report).await,
            Self::Startup(options) => startup::run(dir, options, report).await,
            Self::Archives(options) => archives::run(dir, options, report).await,
            Self::Ways(options) => ways::run(dir, options, report).await,
            Self::Fleet(options) => fleet::run(dir, options, report).await,
            Self::Events(options) => events::run(dir, options, report).await,
            Self::Queue(options) => queue::run(dir, options, report).await,
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    std::fs::create_dir_all(&cli.dir)?;
    let dir = cli.dir.canonicalize()?;
    let mut report = Report::default();
    for what in cli.what.map_or_else(What::all, |what| vec![what]) {
        // One that cannot be measured here is told and does not hide the others.
        if let Err(error) = what.run(&dir, &mut report).await {
            eprintln!("{}: {error:#}", what.name());
            report.skipped(what.name(), &format!("{error:#}"));
        }
    }
    report.print();
    Ok(())
}
