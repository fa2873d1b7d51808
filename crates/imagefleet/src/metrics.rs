use std::sync::Arc;

use anyhow::Context as _;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

/// Answers.
const SECONDS: &[f64] = &[
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Work.
const LONG_SECONDS: &[f64] = &[
    0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0,
];

enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Every metric and what it says; `docs/OPERATIONS.md` has the same table.
const ALL: &[(Kind, Unit, &str, &str)] = &[
    (
        Kind::Counter,
        Unit::Count,
        "imagefleet_operations_total",
        "Operations that ended, by kind and outcome",
    ),
    (
        Kind::Histogram,
        Unit::Seconds,
        "imagefleet_step_seconds",
        "Runs of steps, by kind and outcome",
    ),
    (
        Kind::Counter,
        Unit::Bytes,
        "imagefleet_bytes_moved_total",
        "Bytes that steps moved, by kind",
    ),
    (
        Kind::Gauge,
        Unit::Count,
        "imagefleet_steps_running",
        "Steps that run, on every program of this database",
    ),
    (
        Kind::Gauge,
        Unit::Count,
        "imagefleet_queue_steps",
        "Steps that wait, by what they wait for, of every program",
    ),
    (
        Kind::Gauge,
        Unit::Seconds,
        "imagefleet_queue_oldest_seconds",
        "How long the oldest of these steps has waited",
    ),
    (
        Kind::Histogram,
        Unit::Seconds,
        "imagefleet_engine_call_seconds",
        "Until engines began to answer, by call and outcome",
    ),
    (
        Kind::Gauge,
        Unit::Count,
        "imagefleet_servers",
        "Servers, by status, of every program",
    ),
    (
        Kind::Gauge,
        Unit::Count,
        "imagefleet_watched_servers",
        "Servers that this program watches",
    ),
    (
        Kind::Counter,
        Unit::Count,
        "imagefleet_events_total",
        "Live events sent, by event",
    ),
    (
        Kind::Gauge,
        Unit::Count,
        "imagefleet_live_clients",
        "Live connections to this program",
    ),
    (
        Kind::Histogram,
        Unit::Seconds,
        "imagefleet_http_request_seconds",
        "HTTP requests, by method, route and status",
    ),
    (
        Kind::Gauge,
        Unit::Count,
        "imagefleet_build_info",
        "Always 1; the label says which version runs",
    ),
];

/// Starts to gather metrics; what writes them down in Prometheus' text form.
pub fn start() -> anyhow::Result<Arc<dyn Fn() -> String + Send + Sync>> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("imagefleet_step_seconds".to_owned()), LONG_SECONDS)
        .context("metrics")?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .context("metrics")?
        .install_recorder()
        .context("metrics")?;
    describe();
    metrics::gauge!("imagefleet_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    let upkeep = handle.clone();
    tokio::spawn(async move {
        // Histograms gather samples between scrapes; without this they would grow when nobody scrapes.
        let mut every = tokio::time::interval(std::time::Duration::from_secs(10));
        loop {
            every.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(Arc::new(move || handle.render()))
}

fn describe() {
    for (kind, unit, name, help) in ALL {
        match kind {
            Kind::Counter => describe_counter!(*name, *unit, *help),
            Kind::Gauge => describe_gauge!(*name, *unit, *help),
            Kind::Histogram => describe_histogram!(*name, *unit, *help),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_metric_stands_in_the_documentation() {
        let documentation = include_str!("../../../docs/OPERATIONS.md");
        for (_, _, name, _) in ALL {
            assert!(documentation.contains(&format!("`{name}`")), "{name} is missing");
        }
    }
}
