use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;

use super::call::{Call, segment};
use super::client::Client;
use super::errors::Topic;
use super::events::objects;
use super::json_lines::{JsonLines, read};
use super::wire::{from_text, or_default};
use crate::{ContainerStats, Result, Stream};

/// One message of `GET /containers/{id}/stats`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StatsMessage {
    #[serde(deserialize_with = "or_default")]
    read: String,
    #[serde(deserialize_with = "or_default")]
    cpu_stats: CpuStats,
    #[serde(deserialize_with = "or_default")]
    precpu_stats: CpuStats,
    #[serde(deserialize_with = "or_default")]
    memory_stats: MemoryStats,
    #[serde(deserialize_with = "or_default")]
    networks: BTreeMap<String, NetworkStats>,
    #[serde(deserialize_with = "or_default")]
    pids_stats: PidsStats,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CpuStats {
    #[serde(deserialize_with = "or_default")]
    cpu_usage: CpuUsage,
    #[serde(deserialize_with = "or_default")]
    system_cpu_usage: u64,
    #[serde(deserialize_with = "or_default")]
    online_cpus: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CpuUsage {
    #[serde(deserialize_with = "or_default")]
    total_usage: u64,
    #[serde(deserialize_with = "or_default")]
    percpu_usage: Vec<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MemoryStats {
    #[serde(deserialize_with = "or_default")]
    usage: u64,
    #[serde(deserialize_with = "or_default")]
    limit: u64,
    #[serde(deserialize_with = "or_default")]
    stats: BTreeMap<String, u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NetworkStats {
    rx_bytes: u64,
    tx_bytes: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PidsStats {
    #[serde(deserialize_with = "or_default")]
    current: u64,
}

impl StatsMessage {
    fn into_stats(self) -> ContainerStats {
        ContainerStats {
            at: from_text(&self.read),
            cpu_percent: self.cpu_percent(),
            memory_bytes: self.memory_stats.used(),
            memory_limit: self.memory_stats.limit,
            network_rx: self.over_networks(|network| network.rx_bytes),
            network_tx: self.over_networks(|network| network.tx_bytes),
            pids: self.pids_stats.current,
        }
    }

    fn over_networks(&self, bytes: impl Fn(&NetworkStats) -> u64) -> u64 {
        self.networks.values().map(bytes).fold(0, u64::saturating_add)
    }

    /// As `docker stats` computes it: the container's share of the machine's time, times its processors. The first
    /// message has nothing to compare with.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a percentage needs no more than 52 bits"
    )]
    fn cpu_percent(&self) -> f64 {
        let before = &self.precpu_stats;
        let container = self
            .cpu_stats
            .cpu_usage
            .total_usage
            .saturating_sub(before.cpu_usage.total_usage);
        let machine = self
            .cpu_stats
            .system_cpu_usage
            .saturating_sub(before.system_cpu_usage);
        if before.system_cpu_usage == 0 || machine == 0 {
            return 0.0;
        }
        let processors = match self.cpu_stats.online_cpus {
            0 => self.cpu_stats.cpu_usage.percpu_usage.len().max(1) as f64,
            count => f64::from(count),
        };
        container as f64 / machine as f64 * processors * 100.0
    }
}

impl MemoryStats {
    /// Without the page cache that the kernel may take back: cgroup v1 calls it `total_inactive_file`, v2 `inactive_file`.
    fn used(&self) -> u64 {
        let cache = self
            .stats
            .get("total_inactive_file")
            .or_else(|| self.stats.get("inactive_file"))
            .copied()
            .unwrap_or(0);
        if cache < self.usage {
            self.usage - cache
        } else {
            self.usage
        }
    }
}

pub(super) async fn stats(client: &Client, id: &str) -> Result<Stream<ContainerStats>> {
    let call =
        Call::get(format!("/containers/{}/stats", segment(id)?), Topic::Container).query("stream", "1");
    let body = client.open(call).await?;
    Ok(objects(body, JsonLines::default(), message))
}

/// One message.
pub(super) fn message(object: &Bytes) -> Result<Option<ContainerStats>> {
    read::<StatsMessage>(object).map(|message| Some(message.into_stats()))
}

#[cfg(test)]
mod tests {
    use super::StatsMessage;

    #[test]
    fn figures_that_no_machine_has_do_no_harm() {
        let text = r#"{"networks":{"a":{"rx_bytes":18446744073709551615},"b":{"rx_bytes":5,"tx_bytes":7}}}"#;
        let message: StatsMessage = serde_json::from_str(text).expect("good");
        let stats = message.into_stats();
        assert_eq!((stats.network_rx, stats.network_tx), (u64::MAX, 7));
    }

    #[test]
    fn computed_as_docker_does() {
        let text = r#"{"read":"2026-01-01T00:00:01Z","pids_stats":{"current":3},"networks":{"a":{"rx_bytes":1,"tx_bytes":2},"b":{"rx_bytes":10,"tx_bytes":20}},
            "memory_stats":{"usage":1000,"limit":5000,"stats":{"inactive_file":300}},
            "cpu_stats":{"cpu_usage":{"total_usage":300},"system_cpu_usage":2000,"online_cpus":4},
            "precpu_stats":{"cpu_usage":{"total_usage":100},"system_cpu_usage":1000}}"#;
        let stats = serde_json::from_str::<StatsMessage>(text)
            .expect("readable")
            .into_stats();
        assert!((stats.cpu_percent - 80.0).abs() < 1e-9);
        assert_eq!(
            (stats.memory_bytes, stats.memory_limit, stats.pids),
            (700, 5_000, 3)
        );
        assert_eq!((stats.network_rx, stats.network_tx), (11, 22));
    }

    #[test]
    fn cgroup_v1_and_the_first_message() {
        let text = r#"{"read":"0001-01-01T00:00:00Z","networks":null,"pids_stats":{},
            "memory_stats":{"usage":1000,"stats":{"total_inactive_file":400,"inactive_file":1}},
            "cpu_stats":{"cpu_usage":{"total_usage":300,"percpu_usage":[1,2]},"system_cpu_usage":2000},"precpu_stats":{}}"#;
        let stats = serde_json::from_str::<StatsMessage>(text)
            .expect("readable")
            .into_stats();
        assert_eq!((stats.at, stats.memory_bytes), (None, 600));
        assert!(stats.cpu_percent.abs() < 1e-9);
    }
}
