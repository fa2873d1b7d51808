use std::path::Path;
use std::time::Duration;

use clap::Args;

use crate::generate::{self, Shape};
use crate::program::Program;
use crate::table::{self, Times};

/// What to measure.
#[derive(Debug, Clone, Default, Args)]
pub struct Options {}

/// From the start to ready on an existing database, and the memory of a program that has nothing to do.
pub async fn run(dir: &Path, _: &Options) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for shape in [
        Shape {
            servers: 10,
            images: 100,
            references: 400,
        },
        Shape {
            servers: 200,
            images: 5_000,
            references: 50_000,
        },
    ] {
        let folder = generate::data_dir(dir, shape).await?;
        let mut times = Times::default();
        let mut memory = 0;
        for _ in 0..10 {
            let program = Program::start(&folder).await?;
            times.push(program.ready_after);
            tokio::time::sleep(Duration::from_secs(1)).await;
            memory = program.memory()?;
        }
        rows.push(vec![
            format!(
                "{} servers, {} images",
                shape.servers,
                shape.servers * shape.images
            ),
            table::ms(times.median()),
            table::ms(times.percentile(95)),
            format!("{:.1}", to_mib(memory)),
        ]);
    }
    table::print(&["existing database", "ready ms", "p95 ms", "idle MiB"], &rows);
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "memory in MiB with one decimal")]
fn to_mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
