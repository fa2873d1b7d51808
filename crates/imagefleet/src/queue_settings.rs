use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use imagefleet_model::OffPeak;
use imagefleet_operations::RunnerOptions;
use imagefleet_store::QueueSettings;

/// How the queue runs.
#[derive(Debug, Clone, Default, Args)]
pub struct QueueArgs {
    /// Steps that run in this program at once, over all servers [default: 64]
    #[arg(long, env = "IMAGEFLEET_PARALLEL", value_name = "STEPS")]
    pub parallel: Option<usize>,
    /// Changing steps that run on one server at once, unless the server says otherwise [default: 1]
    #[arg(long, env = "IMAGEFLEET_SERVER_LIMIT", value_name = "STEPS")]
    pub server_limit: Option<u32>,
    /// Steps that pull from or push to one registry at once, unless its account says otherwise [default: 16]
    #[arg(long, env = "IMAGEFLEET_REGISTRY_LIMIT", value_name = "STEPS")]
    pub registry_limit: Option<u32>,
    /// When work that can wait is done, `22:00-06:00 Asia/Shanghai`, unless the server says otherwise [default: always]
    #[arg(long, env = "IMAGEFLEET_OFF_PEAK", value_name = "WINDOW")]
    pub off_peak: Option<String>,
    /// Whether exports, imports, copies and pushes wait for that window without being asked to [default: false]
    #[arg(long, env = "IMAGEFLEET_OFF_PEAK_BULK", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub off_peak_bulk: Option<bool>,
    /// How often a step that fails for a passing reason is tried in all [default: 3]
    #[arg(long, env = "IMAGEFLEET_ATTEMPTS", value_name = "TIMES")]
    pub attempts: Option<u32>,
    /// When it is told to end, what runs may finish in so many seconds before it goes back into the queue [default: 4]
    #[arg(long, env = "IMAGEFLEET_GRACE_SECONDS", value_name = "SECONDS")]
    pub grace_seconds: Option<u64>,
    /// When it is told to end, nothing holds it up for longer; at least two seconds more than the grace [default: 10]
    #[arg(long, env = "IMAGEFLEET_STOP_LIMIT_SECONDS", value_name = "SECONDS")]
    pub stop_limit_seconds: Option<u64>,
}

/// How the queue runs, and how it ends.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    pub settings: QueueSettings,
    pub runner: RunnerOptions,
    pub grace: Duration,
    pub stop_limit: Duration,
}

impl QueueArgs {
    /// These, and what they leave out from the file.
    pub fn merge(self, file: Self) -> anyhow::Result<QueueOptions> {
        let defaults = (QueueSettings::default(), RunnerOptions::default());
        let off_peak = self
            .off_peak
            .or(file.off_peak)
            .filter(|text| !text.trim().is_empty())
            .map(|text| text.parse::<OffPeak>())
            .transpose()
            .context("off_peak")?;
        let bulk = self.off_peak_bulk.or(file.off_peak_bulk).unwrap_or_default();
        anyhow::ensure!(
            off_peak.is_some() || !bulk,
            "off_peak_bulk needs a window: set off_peak, such as \"22:00-06:00 Asia/Shanghai\""
        );
        let grace = self.grace_seconds.or(file.grace_seconds).unwrap_or(4);
        let stop_limit = self.stop_limit_seconds.or(file.stop_limit_seconds);
        let stop_limit = stop_limit.unwrap_or_else(|| 10.max(grace.saturating_add(6)));
        anyhow::ensure!(
            stop_limit >= grace.saturating_add(2),
            "stop_limit_seconds ({stop_limit}) must be at least two more than grace_seconds ({grace})"
        );
        Ok(QueueOptions {
            settings: QueueSettings {
                server_limit: at_least_one(
                    "server_limit",
                    self.server_limit.or(file.server_limit),
                    defaults.0.server_limit,
                )?,
                registry_limit: at_least_one(
                    "registry_limit",
                    self.registry_limit.or(file.registry_limit),
                    defaults.0.registry_limit,
                )?,
                off_peak: off_peak.map(|window| OffPeak { bulk, ..window }),
            },
            runner: RunnerOptions {
                parallel: at_least_one("parallel", self.parallel.or(file.parallel), defaults.1.parallel)?,
                attempts: at_least_one("attempts", self.attempts.or(file.attempts), defaults.1.attempts)?,
                ..defaults.1
            },
            grace: Duration::from_secs(grace),
            stop_limit: Duration::from_secs(stop_limit),
        })
    }
}

fn at_least_one<T: Default + PartialEq>(name: &str, given: Option<T>, default: T) -> anyhow::Result<T> {
    let value = given.unwrap_or(default);
    anyhow::ensure!(value != T::default(), "{name} must be at least 1");
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::QueueArgs;

    #[test]
    fn flags_win_over_the_file_and_mistakes_are_told() {
        let file = QueueArgs {
            server_limit: Some(2),
            registry_limit: Some(3),
            off_peak: Some("22:00-06:00 Asia/Shanghai".to_owned()),
            off_peak_bulk: Some(true),
            grace_seconds: Some(60),
            ..QueueArgs::default()
        };
        let flags = QueueArgs {
            server_limit: Some(4),
            ..QueueArgs::default()
        };
        let merged = flags.merge(file).expect("settings");
        assert_eq!(
            (merged.settings.server_limit, merged.settings.registry_limit),
            (4, 3)
        );
        assert!(merged.settings.off_peak.is_some_and(|window| window.bulk));
        assert!(merged.stop_limit > merged.grace);
        for bad in [
            QueueArgs {
                server_limit: Some(0),
                ..QueueArgs::default()
            },
            QueueArgs {
                off_peak: Some("at night".to_owned()),
                ..QueueArgs::default()
            },
            QueueArgs {
                off_peak_bulk: Some(true),
                ..QueueArgs::default()
            },
            QueueArgs {
                grace_seconds: Some(9),
                stop_limit_seconds: Some(10),
                ..QueueArgs::default()
            },
        ] {
            let told = format!("{bad:?}");
            assert!(bad.merge(QueueArgs::default()).is_err(), "{told} was taken");
        }
    }
}
