use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::json;

use super::{Bench, IMAGE, pair};
use crate::report::Report;
use crate::table::Times;

/// An import, its upload included, beside `docker load -i`: the plain archive, and the same through gzip.
pub async fn run(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for (form, archive) in [("tar", &bench.archives.plain), ("tar.gz", &bench.archives.gzip)] {
        let (bare, ours, memory) = measure(bench, archive).await?;
        let what = format!("import of a .{form} with its upload, {} store", bench.store);
        pair(
            report,
            &what,
            ("docker load -i", &bare),
            &ours,
            Some(1.05),
            memory,
        );
    }
    Ok(())
}

async fn measure(bench: &Bench, archive: &Path) -> anyhow::Result<(Times, Times, u64)> {
    let [target, _] = &bench.targets;
    let path = archive.to_str().context("a plain path")?;
    let (mut bare, mut ours) = (Times::default(), Times::default());
    let mut memory = 0;
    for _ in 0..bench.rounds {
        bench.rest().await?;
        let start = Instant::now();
        target.docker.run(&["load", "-q", "-i", path])?;
        bare.push(start.elapsed());
        target.docker.forget(IMAGE);

        let rest = bench.rest().await?;
        let start = Instant::now();
        let upload = bench.program.upload(archive).await?;
        let uploaded = start.elapsed();
        let body = json!({ "uploadId": upload, "serverIds": [target.id] });
        let (took, _, above) = bench.timed("/images/import", &body, rest).await?;
        ours.push(uploaded + took);
        memory = memory.max(above);
        println!(
            "  {:.1} s, of them the upload {:.1} s",
            (uploaded + took).as_secs_f64(),
            uploaded.as_secs_f64()
        );
        bench.program.delete_upload(&upload).await?;
        target.docker.forget(IMAGE);
    }
    Ok((bare, ours, memory))
}
