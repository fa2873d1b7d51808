use std::fmt;

use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::cli::LogFormat;

/// What is logged unless `RUST_LOG` says otherwise. The database's and the engine client's own debug lines would
/// hold statements and bodies.
const DEFAULT: &str = "info,sqlx=warn,sea_orm=warn,sea_orm_migration=warn,bollard=info,russh=warn";

/// Starts the log, to standard error.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.compact().with_target(false).init(),
        LogFormat::Json => builder.fmt_fields(JsonFields::new()).event_format(Flat).init(),
    }
}

/// One JSON object a line, without nesting: what the line says, and what the work says in which it was written, such as
/// the id of its operation. The inner word wins.
struct Flat;

impl<S, N> FormatEvent<S, N> for Flat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        line.insert("timestamp".to_owned(), timestamp.into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                put(&mut line, &fields.fields);
            }
        }
        let mut fields = String::new();
        context
            .field_format()
            .format_fields(Writer::new(&mut fields), event)?;
        put(&mut line, &fields);
        let text = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{text}")
    }
}

fn put(line: &mut Map<String, Value>, fields: &str) {
    if let Ok(Value::Object(fields)) = serde_json::from_str(fields) {
        line.extend(fields);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::format::JsonFields;

    use super::Flat;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("lines").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_of_an_operations_work_carries_its_id() {
        let lines = Lines::default();
        let to = lines.clone();
        let log = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(Flat)
            .with_writer(move || to.clone())
            .finish();
        tracing::subscriber::with_default(log, || {
            let work = tracing::info_span!("step", operation = "01-a", step = 7);
            let _in_work = work.enter();
            let part = tracing::info_span!("part", layer = "x");
            let _in_part = part.enter();
            tracing::warn!(attempt = 2, "it \"failed\"");
        });
        let bytes = lines.0.lock().expect("lines").clone();
        let line: serde_json::Value = serde_json::from_slice(&bytes).expect("one JSON object");
        assert_eq!(line["operation"], "01-a");
        assert_eq!((&line["step"], &line["attempt"]), (&7.into(), &2.into()));
        assert_eq!(line["layer"], "x");
        assert_eq!(line["message"], "it \"failed\"");
        assert_eq!(line["level"], "WARN");
        assert!(
            line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')),
            "{line}"
        );
    }
}
