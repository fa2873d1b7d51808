//! `imagefleet-bench`: one program that measures imagefleet and prints ratios, so that figures of different machines
//! can be compared. One file a benchmark.

mod generate;
mod pages;
mod table;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures imagefleet and prints ratios")]
struct Cli {
    /// Where databases are made; kept, so that a second run starts at once.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// Page queries over a large inventory: every view, every filter, first and deep pages.
    Pages(pages::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    std::fs::create_dir_all(&cli.dir)?;
    match cli.what.unwrap_or_else(|| What::Pages(pages::Options::default())) {
        What::Pages(options) => pages::run(&cli.dir, &options).await,
    }
}
