use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use imagefleet_api::{ApiConfig, Network};
use imagefleet_operations::archives::ArchivePolicy;
use serde::Deserialize;

use crate::cli::{ArchiveArgs, DataArgs, LogFormat, ServeArgs};
use crate::folder::{create_private, try_writing};
use crate::queue_settings::{QueueArgs, QueueOptions};

/// The settings of the file: the same names as the flags, with underscores.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FileSettings {
    data_dir: Option<PathBuf>,
    database_url: Option<String>,
    secret_key_file: Option<PathBuf>,
    listen: Option<SocketAddr>,
    archive_store: Option<String>,
    export_retention_days: Option<u32>,
    export_budget_mib: Option<u64>,
    upload_retention_hours: Option<u32>,
    archive_reserve_mib: Option<u64>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    trusted_proxies: Option<Vec<String>>,
    session_idle_minutes: Option<u64>,
    session_lifetime_hours: Option<u64>,
    require_password_change: Option<bool>,
    audit_retention_days: Option<u64>,
    log_format: Option<LogFormat>,
    parallel: Option<usize>,
    server_limit: Option<u32>,
    registry_limit: Option<u32>,
    off_peak: Option<String>,
    off_peak_bulk: Option<bool>,
    attempts: Option<u32>,
    grace_seconds: Option<u64>,
    stop_limit_seconds: Option<u64>,
}

impl FileSettings {
    fn queue(&self) -> QueueArgs {
        QueueArgs {
            parallel: self.parallel,
            server_limit: self.server_limit,
            registry_limit: self.registry_limit,
            off_peak: self.off_peak.clone(),
            off_peak_bulk: self.off_peak_bulk,
            attempts: self.attempts,
            grace_seconds: self.grace_seconds,
            stop_limit_seconds: self.stop_limit_seconds,
        }
    }
}

/// Where the data is.
#[derive(Debug)]
pub struct Data {
    pub directory: PathBuf,
    pub database_url: String,
    pub secret_key_file: PathBuf,
}

/// Everything that `serve` needs to know.
#[derive(Debug)]
pub struct Settings {
    pub data: Data,
    pub listen: SocketAddr,
    pub archive_store: String,
    pub archive_policy: ArchivePolicy,
    pub tls: Option<(PathBuf, PathBuf)>,
    pub api: ApiConfig,
    pub queue: QueueOptions,
    pub log_format: LogFormat,
}

impl Data {
    /// From flags, variables, file and defaults, in this order.
    pub fn load(args: DataArgs) -> anyhow::Result<Self> {
        let file = read_file(args.config.as_deref())?;
        let data = Self::merge(args, &file)?;
        create_private(&data.directory)?;
        Ok(data)
    }

    /// The file of an `SQLite` database.
    pub fn sqlite_file(&self) -> Option<&Path> {
        let path = self.database_url.strip_prefix("sqlite://")?;
        path.split('?').next().map(Path::new)
    }

    fn merge(args: DataArgs, file: &FileSettings) -> anyhow::Result<Self> {
        let directory = match args.data_dir.or_else(|| file.data_dir.clone()) {
            Some(directory) => directory,
            None => default_directory()?,
        };
        let database_url = args
            .database_url
            .or_else(|| file.database_url.clone())
            .unwrap_or_else(|| format!("sqlite://{}", directory.join("imagefleet.db").display()));
        let secret_key_file = args
            .secret_key_file
            .or_else(|| file.secret_key_file.clone())
            .unwrap_or_else(|| directory.join("secret.key"));
        Ok(Self {
            directory,
            database_url,
            secret_key_file,
        })
    }
}

impl Settings {
    /// From flags, variables, file and defaults, in this order; the data directory is made.
    pub fn load(args: ServeArgs) -> anyhow::Result<Self> {
        let settings = Self::read(args)?;
        create_private(&settings.data.directory)?;
        Ok(settings)
    }

    /// The same, and nothing is made.
    pub fn read(args: ServeArgs) -> anyhow::Result<Self> {
        let file = read_file(args.data.config.as_deref())?;
        let data = Data::merge(args.data, &file)?;
        let queue = args.queue.merge(file.queue())?;
        let archive_policy = archive_policy(&args.archives, &file);
        let defaults = ApiConfig::default();
        let trusted_proxies = args
            .trusted_proxies
            .or(file.trusted_proxies)
            .unwrap_or_default()
            .iter()
            .filter(|text| !text.trim().is_empty())
            .map(|text| text.parse::<Network>())
            .collect::<Result<_, _>>()
            .context("trusted proxies")?;
        let tls = match (args.tls_cert.or(file.tls_cert), args.tls_key.or(file.tls_key)) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => anyhow::bail!("TLS needs both a certificate and its key (tls_cert and tls_key)"),
        };
        let minutes = |n: u64| Duration::from_secs(n.saturating_mul(60));
        let audit_retention = match args.audit_retention_days.or(file.audit_retention_days) {
            None => defaults.audit_retention,
            Some(0) => None,
            Some(days) => Some(minutes(days.min(36_500) * 24 * 60)),
        };
        let idle = args.session_idle_minutes.or(file.session_idle_minutes);
        let lifetime = args.session_lifetime_hours.or(file.session_lifetime_hours);
        let api = ApiConfig {
            session_idle: idle.map_or(defaults.session_idle, |n| minutes(n.clamp(1, 525_600))),
            session_lifetime: lifetime.map_or(defaults.session_lifetime, |n| minutes(n.clamp(1, 8_760) * 60)),
            require_password_change: args
                .require_password_change
                .or(file.require_password_change)
                .unwrap_or(defaults.require_password_change),
            trusted_proxies,
            audit_retention,
        };
        let archive_store = args
            .archive_store
            .or(file.archive_store)
            .unwrap_or_else(|| data.directory.join("archives").display().to_string());
        let terminal = std::io::stderr().is_terminal();
        let log_format = args.log_format.or(file.log_format).unwrap_or(if terminal {
            LogFormat::Text
        } else {
            LogFormat::Json
        });
        Ok(Self {
            data,
            listen: args
                .listen
                .or(file.listen)
                .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
            archive_store,
            archive_policy,
            tls,
            api,
            queue,
            log_format,
        })
    }
}

fn archive_policy(args: &ArchiveArgs, file: &FileSettings) -> ArchivePolicy {
    let defaults = ArchivePolicy::default();
    let bytes = |mib: u64| mib.saturating_mul(1 << 20);
    let days = args.export_retention_days.or(file.export_retention_days);
    let budget = args.export_budget_mib.or(file.export_budget_mib);
    let hours = args.upload_retention_hours.or(file.upload_retention_hours);
    let reserve = args.archive_reserve_mib.or(file.archive_reserve_mib);
    ArchivePolicy {
        export_days: days.map_or(defaults.export_days, |days| {
            (days > 0).then_some(days.min(36_500))
        }),
        // Shorter than an import waits for its turn would be no use to anybody.
        upload_hours: hours.map_or(defaults.upload_hours, |hours| hours.clamp(1, 876_000)),
        budget: budget.map_or(defaults.budget, |mib| (mib > 0).then(|| bytes(mib))),
        reserve: reserve.map_or(defaults.reserve, bytes),
    }
}

fn read_file(path: Option<&Path>) -> anyhow::Result<FileSettings> {
    let Some(path) = path else {
        return Ok(FileSettings::default());
    };
    config::Config::builder()
        .add_source(config::File::from(path).format(config::FileFormat::Toml))
        .build()
        .and_then(config::Config::try_deserialize)
        .with_context(|| format!("configuration file {}", path.display()))
}

/// The system's place when we may write there, else the user's own.
fn default_directory() -> anyhow::Result<PathBuf> {
    let system = PathBuf::from("/var/lib/imagefleet");
    if create_private(&system).is_ok() && try_writing(&system).is_ok() {
        return Ok(system);
    }
    let home = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    home.map(|home| home.join("imagefleet"))
        .context("no place for the data: give --data-dir")
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use crate::cli::{ArchiveArgs, DataArgs, LogFormat, ServeArgs};

    fn load(file: &str, args: ServeArgs) -> anyhow::Result<Settings> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("imagefleet.toml");
        std::fs::write(&path, file)?;
        let data = DataArgs {
            config: Some(path),
            data_dir: Some(directory.path().join("data")),
            ..args.data.clone()
        };
        Settings::load(ServeArgs { data, ..args })
    }

    #[test]
    fn a_flag_wins_over_the_file_and_that_over_the_default() {
        let file = "listen = \"0.0.0.0:9000\"\nlog_format = \"json\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n";
        let settings = load(file, ServeArgs::default()).expect("settings");
        assert_eq!(settings.listen.to_string(), "0.0.0.0:9000");
        assert_eq!(settings.log_format, LogFormat::Json);
        assert_eq!(settings.api.trusted_proxies.len(), 1);
        assert!(settings.data.database_url.ends_with("data/imagefleet.db"));
        assert!(settings.archive_store.ends_with("data/archives"));
        let args = ServeArgs {
            listen: Some("127.0.0.1:1".parse().expect("an address")),
            ..ServeArgs::default()
        };
        assert_eq!(load(file, args).expect("settings").listen.port(), 1);
        assert_eq!(
            load("", ServeArgs::default())
                .expect("settings")
                .listen
                .to_string(),
            "127.0.0.1:8080"
        );
    }

    #[test]
    fn archives_are_kept_as_long_as_was_said() {
        let policy = load("", ServeArgs::default()).expect("settings").archive_policy;
        assert_eq!(
            (
                policy.export_days,
                policy.upload_hours,
                policy.budget,
                policy.reserve
            ),
            (Some(7), 24, None, 256 << 20)
        );
        let file = "export_retention_days = 30\nexport_budget_mib = 10\nupload_retention_hours = 0\n";
        let args = ServeArgs {
            archives: ArchiveArgs {
                export_retention_days: Some(0),
                archive_reserve_mib: Some(1),
                ..ArchiveArgs::default()
            },
            ..ServeArgs::default()
        };
        let policy = load(file, args).expect("settings").archive_policy;
        assert_eq!(
            (
                policy.export_days,
                policy.upload_hours,
                policy.budget,
                policy.reserve
            ),
            (None, 1, Some(10 << 20), 1 << 20)
        );
    }

    #[test]
    fn mistakes_in_the_file_are_told() {
        for bad in [
            "lisen = \"a\"",
            "listen = \"nowhere\"",
            "trusted_proxies = [\"x\"]",
            "tls_cert = \"a.pem\"",
            "= =",
        ] {
            assert!(load(bad, ServeArgs::default()).is_err(), "{bad} was taken");
        }
    }
}
