use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::cli::LogFormat;

/// What is logged unless `RUST_LOG` says otherwise. The database's and the engine client's own debug lines would
/// hold statements and bodies.
const DEFAULT: &str = "info,sqlx=warn,sea_orm=warn,sea_orm_migration=warn,bollard=info,russh=warn";

/// Starts the log, to standard error.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.compact().with_target(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).init(),
    }
}
