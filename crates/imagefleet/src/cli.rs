use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

/// Manages the Docker images of many servers.
#[derive(Debug, Parser)]
#[command(name = "imagefleet", version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the page, the API and the live events
    Serve(Box<ServeArgs>),
    /// Print the `OpenAPI` document of the API
    Openapi,
    /// Manage users from the command line
    #[command(subcommand)]
    User(UserCommand),
    /// Manage the key that encrypts stored secrets
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Encrypt every stored secret with a new key, while no program runs on the database; the old key is kept beside it
    Rotate(Box<DataArgs>),
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Give a user a new password; reads it from standard input, or makes one and prints it
    ResetPassword(Box<ResetPasswordArgs>),
}

/// Where the data is. A flag wins over its variable, that over the file of `--config`, that over the default.
#[derive(Debug, Clone, Default, Args)]
pub struct DataArgs {
    /// A TOML file with these settings (`listen = "0.0.0.0:8080"`, …)
    #[arg(long, env = "IMAGEFLEET_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where everything is kept [default: /var/lib/imagefleet for root, else ~/.local/share/imagefleet]
    #[arg(long, env = "IMAGEFLEET_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// `sqlite://FILE` or `postgres://…` [default: imagefleet.db in the data directory]
    #[arg(
        long,
        env = "IMAGEFLEET_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,
    /// The key that encrypts stored secrets, made at the first start; programs that share a database share it. The
    /// variable `IMAGEFLEET_SECRET_KEY` (64 hexadecimal digits) takes its place [default: secret.key in the data directory]
    #[arg(long, env = "IMAGEFLEET_SECRET_KEY_FILE", value_name = "FILE")]
    pub secret_key_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Address and port to serve on [default: 127.0.0.1:8080]
    #[arg(long, env = "IMAGEFLEET_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where archives are kept: a directory, `file:///…` or `s3://bucket/prefix` [default: archives in the data directory]
    #[arg(long, env = "IMAGEFLEET_ARCHIVE_STORE", value_name = "URL")]
    pub archive_store: Option<String>,
    /// Serve TLS itself with this certificate chain (PEM)
    #[arg(long, env = "IMAGEFLEET_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of that certificate (PEM)
    #[arg(long, env = "IMAGEFLEET_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, `10.0.0.0/8,192.0.2.1`
    #[arg(
        long,
        env = "IMAGEFLEET_TRUSTED_PROXIES",
        value_name = "NETWORKS",
        value_delimiter = ','
    )]
    pub trusted_proxies: Option<Vec<String>>,
    /// A session unused for so many minutes has ended [default: 720]
    #[arg(long, env = "IMAGEFLEET_SESSION_IDLE_MINUTES", value_name = "MINUTES")]
    pub session_idle_minutes: Option<u64>,
    /// A session this many hours old has ended [default: 168]
    #[arg(long, env = "IMAGEFLEET_SESSION_LIFETIME_HOURS", value_name = "HOURS")]
    pub session_lifetime_hours: Option<u64>,
    /// Refuse everything but a change of the password while the generated first one, or one that its user is to change,
    /// is in place [default: true]
    #[arg(long, env = "IMAGEFLEET_REQUIRE_PASSWORD_CHANGE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub require_password_change: Option<bool>,
    /// How many days the audit log is kept, 0 for ever [default: 365]
    #[arg(long, env = "IMAGEFLEET_AUDIT_RETENTION_DAYS", value_name = "DAYS")]
    pub audit_retention_days: Option<u64>,
    /// How log lines look [default: text on a terminal, else json]
    #[arg(long, env = "IMAGEFLEET_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

#[derive(Debug, Clone, Args)]
pub struct ResetPasswordArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Whose
    #[arg(default_value = "admin")]
    pub username: String,
    /// Read the new password from standard input instead of making one
    #[arg(long)]
    pub stdin: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
