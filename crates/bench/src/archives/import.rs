use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::json;

use super::{Bench, IMAGE, pair};
use crate::report::Report;
use crate::table::{self, Times};

/// An import, its upload included, beside `docker load -i`: the plain archive, and the same through gzip. Also beside a
/// copy of the file and `docker load -i` of that: what outlives a lost network has to lie on the disk first.
pub async fn run(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for (form, archive) in [("tar", &bench.archives.plain), ("tar.gz", &bench.archives.gzip)] {
        let Measured {
            bare,
            copied,
            ours,
            memory,
        } = measure(bench, archive).await?;
        let what = format!("import of a .{form} with its upload, {} store", bench.store);
        pair(
            report,
            &what,
            ("docker load -i", &bare),
            &ours,
            Some(1.05),
            memory,
        );
        report.figure(
            &format!("{what} / cp, then docker load -i"),
            &table::ratio(ours.median(), copied.median()),
        );
    }
    Ok(())
}

struct Measured {
    bare: Times,
    copied: Times,
    ours: Times,
    memory: u64,
}

async fn measure(bench: &Bench, archive: &Path) -> anyhow::Result<Measured> {
    let [target, _] = &bench.targets;
    let path = archive.to_str().context("a plain path")?;
    let copy = archive.with_extension("copy");
    let mut measured = Measured {
        bare: Times::default(),
        copied: Times::default(),
        ours: Times::default(),
        memory: 0,
    };
    for _ in 0..bench.rounds {
        bench.rest().await?;
        let start = Instant::now();
        target.docker.run(&["load", "-q", "-i", path])?;
        measured.bare.push(start.elapsed());
        target.docker.forget(IMAGE);

        bench.rest().await?;
        let start = Instant::now();
        std::fs::copy(archive, &copy)?;
        let path = copy.to_str().context("a plain path")?;
        target.docker.run(&["load", "-q", "-i", path])?;
        measured.copied.push(start.elapsed());
        std::fs::remove_file(&copy)?;
        target.docker.forget(IMAGE);

        let rest = bench.rest().await?;
        let start = Instant::now();
        let upload = bench.program.upload(archive).await?;
        let uploaded = start.elapsed();
        let body = json!({ "uploadId": upload, "serverIds": [target.id] });
        let (took, _, above) = bench.timed("/images/import", &body, rest).await?;
        measured.ours.push(uploaded + took);
        measured.memory = measured.memory.max(above);
        println!(
            "  {:.1} s, of them the upload {:.1} s",
            (uploaded + took).as_secs_f64(),
            uploaded.as_secs_f64()
        );
        bench.program.delete_upload(&upload).await?;
        target.docker.forget(IMAGE);
    }
    Ok(measured)
}
