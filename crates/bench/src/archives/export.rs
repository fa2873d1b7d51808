use std::time::{Duration, Instant};

use anyhow::Context as _;
use http_body_util::BodyExt as _;
use serde_json::json;

use super::{Bench, IMAGE, pair};
use crate::report::Report;
use crate::table::{Times, mib};

/// What a slow reader takes in a second.
const SLOW: u64 = 20_000_000;
/// For how long two of them read.
const READING: Duration = Duration::from_secs(15);

/// An export beside `docker save -o`, then two slow downloads of it.
pub async fn run(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let image = bench.image(&bench.source, IMAGE).await?;
    let saved = bench.archives.plain.with_file_name("saved.tar");
    let (mut bare, mut ours) = (Times::default(), Times::default());
    let mut memory = 0;
    let mut path = String::new();
    for _ in 0..bench.rounds {
        std::fs::remove_file(&saved).ok();
        bench.rest().await?;
        let start = Instant::now();
        let file = saved.to_str().context("a plain path")?;
        bench.source.docker.run(&["save", "-o", file, IMAGE])?;
        bare.push(start.elapsed());

        if !path.is_empty() {
            bench.program.delete(path.trim_end_matches("/file")).await?;
        }
        let rest = bench.rest().await?;
        let body = json!({ "imageIds": [image] });
        let (took, ended, above) = bench.timed("/images/export", &body, rest).await?;
        ours.push(took);
        memory = memory.max(above);
        let file = ended["steps"][0]["result"]["filePath"]
            .as_str()
            .context("a file path")?;
        file.trim_start_matches("/api/v1").clone_into(&mut path);
    }
    std::fs::remove_file(&saved).ok();
    pair(
        report,
        "export, classic store",
        ("docker save -o", &bare),
        &ours,
        Some(1.0),
        memory,
    );

    let rest = bench.rest().await?;
    let (one, two) = tokio::try_join!(slowly(bench, &path), slowly(bench, &path))?;
    let above = bench.program.process().peak()?.saturating_sub(rest);
    println!(
        "two downloads at 20 MB/s: {} and {} MiB read, {} MiB of memory above idle",
        mib(one),
        mib(two),
        mib(above)
    );
    report.at_most(
        "two slow downloads: memory above idle",
        mib(above).parse()?,
        super::MEMORY,
        "MiB",
    );
    bench.program.delete(path.trim_end_matches("/file")).await
}

/// Reads a file as one would over a slow line; the bytes that came.
async fn slowly(bench: &Bench, path: &str) -> anyhow::Result<u64> {
    let mut body = bench.program.open(path).await?.into_body();
    let start = Instant::now();
    let mut read = 0;
    while start.elapsed() < READING {
        let Some(frame) = body.frame().await else {
            break;
        };
        if let Ok(bytes) = frame?.into_data() {
            read += bytes.len() as u64;
        }
        let due = Duration::from_micros(read * 1_000_000 / SLOW);
        tokio::time::sleep(due.saturating_sub(start.elapsed())).await;
    }
    Ok(read)
}
