use std::time::Instant;

use anyhow::Context as _;
use serde_json::json;

use super::{Bench, CHANGED, IMAGE, pair};
use crate::lab::save_and_load;
use crate::report::Report;
use crate::table::Times;

/// What a copy may send beside the layers that are missing.
const BESIDE: u64 = 64 << 10;

/// A copy to two servers beside two `docker save | docker load`, and one of which only the topmost layer is missing.
pub async fn run(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let image = bench.image(&bench.source, IMAGE).await?;
    let changed = bench.image(&bench.source, CHANGED).await?;
    let targets: Vec<i64> = bench.targets.iter().map(|target| target.id).collect();
    let (mut bare, mut ours) = (Times::default(), Times::default());
    let (mut delta, mut delta_bare) = (Times::default(), Times::default());
    let (mut memory, mut delta_memory, mut sent) = (0, 0, 0);
    for _ in 0..bench.rounds {
        bench.forget();
        bench.rest().await?;
        let start = Instant::now();
        for target in &bench.targets {
            save_and_load(&bench.source.docker, &target.docker, IMAGE)?;
        }
        bare.push(start.elapsed());
        let start = Instant::now();
        for target in &bench.targets {
            save_and_load(&bench.source.docker, &target.docker, CHANGED)?;
        }
        delta_bare.push(start.elapsed());

        bench.forget();
        let rest = bench.rest().await?;
        let body = json!({ "imageId": image, "serverIds": targets });
        let (took, _, above) = bench.timed("/images/copy", &body, rest).await?;
        ours.push(took);
        memory = memory.max(above);

        let rest = bench.rest().await?;
        let body = json!({ "imageId": changed, "serverIds": targets });
        let (took, ended, above) = bench.timed("/images/copy", &body, rest).await?;
        delta.push(took);
        delta_memory = delta_memory.max(above);
        for step in ended["steps"].as_array().context("steps")? {
            let bytes = step["result"]["bytesSent"].as_u64().context("bytesSent")?;
            sent = sent.max(bytes);
        }
    }
    bench.forget();
    let store = bench.store;
    let twice = "two save | load";
    let what = format!("copy to two servers, {store} store");
    pair(report, &what, (twice, &bare), &ours, Some(0.75), memory);
    let what = format!("copy of a changed top layer, {store} store");
    pair(report, &what, (twice, &delta_bare), &delta, None, delta_memory);
    let beside = sent.saturating_sub(bench.archives.changed_layer);
    println!(
        "bytes sent to each: {sent}, of them {} of the missing layer",
        bench.archives.changed_layer
    );
    report.at_most(
        &format!("{what}: bytes sent beside the missing layer"),
        f64::from(u32::try_from(beside)?),
        f64::from(u32::try_from(BESIDE)?),
        "B",
    );
    Ok(())
}

impl Bench {
    /// Takes both images away from the targets.
    fn forget(&self) {
        for target in &self.targets {
            target.docker.forget(IMAGE);
            target.docker.forget(CHANGED);
        }
    }
}
