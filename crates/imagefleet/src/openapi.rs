use std::io::{ErrorKind, Write as _};

/// Prints the `OpenAPI` document; the repository keeps it as `openapi.json`.
pub fn print() -> anyhow::Result<()> {
    let document = serde_json::to_string_pretty(&imagefleet_api::document())?;
    match writeln!(std::io::stdout(), "{document}") {
        // Whoever reads has enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
