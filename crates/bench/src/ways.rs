use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _};
use imagefleet_engine::Engine;
use imagefleet_engine::docker::{Connection, SshMaterial, TlsMaterial, connect};

use crate::archives::image;
use crate::folder;
use crate::lab::{Lab, free_port, script};
use crate::report::Report;
use crate::table::{self, Times};

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// MiB of the image.
    #[arg(long, default_value_t = 600)]
    mib: u64,
    /// How often each way is gone.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { mib: 600, rounds: 3 }
    }
}

/// Of the test's own SSH server.
const PASSWORD: &str = "bench-pass:word";

/// Save and load of one engine through every way to it, in turn.
pub async fn run(dir: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let archives = image::make(dir, options.mib)?;
    let mut lab = Lab::open(&folder::short("ways")?);
    let certificates = lab.file("tls");
    let folder = certificates.to_str().context("a plain path")?;
    script("certificates", &[folder])?;
    let port = free_port()?;
    let docker = lab.engine("engine", "docker20", &["--tls", &port, folder])?;
    docker.run(&[
        "load",
        "-q",
        "-i",
        archives.plain.to_str().context("a plain path")?,
    ])?;
    let ssh = lab.sshd(&docker, PASSWORD)?;

    let pem = |name: &str| std::fs::read_to_string(certificates.join(name));
    let mut secure = Connection::new(format!("tcps://127.0.0.1:{port}").parse()?);
    secure.tls = Some(TlsMaterial {
        ca: pem("ca.pem")?,
        cert: Some(pem("client.pem")?),
        key: Some(pem("client-key.pem")?.into()),
    });
    let through_ssh = |user: &str| -> anyhow::Result<Connection> {
        let mut connection = Connection::new(format!("ssh://{user}@{ssh}").parse()?);
        connection.ssh = Some(SshMaterial {
            password: Some(PASSWORD.to_owned().into()),
            ..SshMaterial::default()
        });
        Ok(connection)
    };
    let ways = [
        ("unix", Connection::new(docker.endpoint().parse()?)),
        ("tls", secure),
        ("ssh, socket", through_ssh("fleet")?),
        ("ssh, dial-stdio", through_ssh("fleet-stdio")?),
    ];
    let engines: Vec<(&str, Arc<dyn Engine>)> = ways
        .iter()
        .map(|(name, connection)| (*name, connect(connection)))
        .collect();
    let mut times = vec![(Times::default(), Times::default()); engines.len()];
    let bytes = std::fs::metadata(&archives.plain)?.len();
    for _ in 0..options.rounds {
        for ((_, engine), (saves, loads)) in engines.iter().zip(&mut times) {
            saves.push(save(engine.as_ref()).await?);
            loads.push(load(engine.as_ref(), &archives.plain).await?);
        }
    }
    let (plain_save, plain_load) = times.first().cloned().context("a way")?;
    let mut rows = Vec::new();
    for ((name, _), (saves, loads)) in engines.iter().zip(&times) {
        let save_ratio = table::quotient(plain_save.median(), saves.median());
        let load_ratio = table::quotient(plain_load.median(), loads.median());
        rows.push(vec![
            (*name).to_owned(),
            rate(bytes, saves),
            format!("{save_ratio:.2}"),
            rate(bytes, loads),
            format!("{load_ratio:.2}"),
        ]);
        report.figure(
            &format!("throughput over {name} / plain socket"),
            &format!("save {save_ratio:.2}, load {load_ratio:.2}"),
        );
    }
    println!(
        "save: from its first byte to its last; load: of an image that the engine has, so that it does little but read"
    );
    table::print(&["way", "save MB/s", "x plain", "load MB/s", "x plain"], &rows);
    Ok(())
}

/// From the first byte of a save to its last: before it, the engine writes its own copy.
async fn save(engine: &dyn Engine) -> anyhow::Result<Duration> {
    let mut bytes = engine.save(&[image::IMAGE.to_owned()]).await.map_err(told)?;
    let mut start = None;
    while let Some(chunk) = bytes.next().await {
        chunk.map_err(told)?;
        start.get_or_insert_with(Instant::now);
    }
    Ok(start.context("an empty save")?.elapsed())
}

async fn load(engine: &dyn Engine, archive: &Path) -> anyhow::Result<Duration> {
    let body = crate::program::chunks(archive).await?.boxed();
    let start = Instant::now();
    let updates = engine.load(body).await.map_err(told)?;
    updates.try_for_each(|_| async { Ok(()) }).await.map_err(told)?;
    Ok(start.elapsed())
}

fn told(failure: imagefleet_model::Failure) -> anyhow::Error {
    anyhow::anyhow!("{failure}")
}

#[allow(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(bytes: u64, times: &Times) -> String {
    format!("{:.0}", bytes as f64 / 1e6 / times.median().as_secs_f64())
}
