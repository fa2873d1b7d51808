//! `imagefleet-bench`: one program that measures imagefleet and prints ratios, so that figures of different machines
//! can be compared. One file a benchmark.

mod generate;
mod pages;
mod point;
mod program;
mod startup;
mod table;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures imagefleet and prints ratios")]
struct Cli {
    /// Where databases are made; kept, so that a second run starts at once.
    #[arg(long, default_value = "target/bench", global = true)]
    dir: PathBuf,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// Page queries over a large inventory, through HTTP: every view, every filter, first and deep pages
    Pages(pages::Options),
    /// From the start to ready, and idle memory
    Startup(startup::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    std::fs::create_dir_all(&cli.dir)?;
    match cli.what {
        Some(What::Pages(options)) => pages::run(&cli.dir, &options).await,
        Some(What::Startup(options)) => startup::run(&cli.dir, &options).await,
        None => {
            pages::run(&cli.dir, &pages::Options::default()).await?;
            startup::run(&cli.dir, &startup::Options::default()).await
        }
    }
}
