use imagefleet_model::{EngineInfo, ImageStore};
use serde::Deserialize;

use super::call::Call;
use super::client::Client;
use super::errors::Topic;
use super::wire::{or_default, platform};
use crate::{EngineNetwork, Result};

/// The part of `GET /info` that we use.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct InfoAnswer {
    #[serde(deserialize_with = "or_default")]
    driver_status: Vec<Vec<String>>,
    mem_total: i64,
    #[serde(rename = "NCPU")]
    cpus: i64,
    #[serde(deserialize_with = "or_default")]
    system_time: String,
}

/// `GET /networks`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkAnswer {
    name: String,
    #[serde(default)]
    driver: String,
    #[serde(default)]
    scope: String,
}

pub(super) async fn info(client: &Client) -> Result<EngineInfo> {
    let (version, spoken) = client.negotiate().await?;
    let info: InfoAnswer = client.ask(Call::get("/info", Topic::Engine)).await?;
    Ok(EngineInfo {
        engine_version: version.version,
        api_version: spoken.version.to_string(),
        image_store: image_store(spoken.podman, &info.driver_status),
        platform: platform(&version.os, &version.arch, ""),
        memory_bytes: u64::try_from(info.mem_total).ok().filter(|bytes| *bytes > 0),
        cpus: u32::try_from(info.cpus).ok().filter(|count| *count > 0),
        system_time: info.system_time.parse().ok(),
    })
}

pub(super) async fn ping(client: &Client) -> Result<()> {
    client.tell(Call::get("/_ping", Topic::Engine)).await
}

/// Docker tells the containerd store by the kind of its storage driver.
fn image_store(podman: bool, driver_status: &[Vec<String>]) -> ImageStore {
    let snapshotter = driver_status
        .iter()
        .flatten()
        .any(|word| word.starts_with("io.containerd.snapshotter"));
    match (podman, snapshotter) {
        (true, _) => ImageStore::Podman,
        (false, true) => ImageStore::Containerd,
        (false, false) => ImageStore::Classic,
    }
}

pub(super) async fn networks(client: &Client) -> Result<Vec<EngineNetwork>> {
    let answer: Vec<NetworkAnswer> = client.ask(Call::get("/networks", Topic::Engine)).await?;
    Ok(answer
        .into_iter()
        .map(|network| EngineNetwork {
            name: network.name,
            driver: network.driver,
            scope: network.scope,
        })
        .collect())
}
