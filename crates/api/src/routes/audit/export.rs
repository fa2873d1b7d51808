use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use imagefleet_store::{AuditFilter, StoreError};
use serde::Deserialize;

use super::filter::Filter;
use super::require;
use super::view::AuditEntryView;
use crate::audit::AuditNote;
use crate::extract::{Caller, Query};
use crate::{AppState, Problem};

/// Lines read from the database at once.
const PIECE: u32 = 1000;

/// In which form.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values with a header line (RFC 4180).
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// In which form.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Options {
    /// `csv` or `jsonl`.
    #[param(inline)]
    format: Format,
}

/// The audit log as a file, the latest line first.
#[utoipa::path(
    get, path = "/audit/export", tag = "audit", operation_id = "exportAudit", params(Options, Filter),
    responses((status = 200, description = "The file", content_type = "text/csv", body = String)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(options): Query<Options>,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    require(&caller)?;
    let filter = filter.filter()?;
    let (content_type, name) = match options.format {
        Format::Csv => ("text/csv; charset=utf-8", "audit.csv"),
        Format::Jsonl => ("application/x-ndjson", "audit.jsonl"),
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    caller.audit(AuditNote::new("audit.export", name));
    let body = Body::from_stream(lines(state, filter, options.format));
    Ok((
        [
            (header::CONTENT_TYPE, content_type.to_owned()),
            (header::CONTENT_DISPOSITION, disposition),
        ],
        body,
    )
        .into_response())
}

/// Where the reading is.
enum Place {
    Start,
    Before(i64),
    End,
}

/// The file, piece by piece: the log may be long and the reader slow.
fn lines(
    state: AppState,
    filter: AuditFilter,
    format: Format,
) -> impl futures_util::Stream<Item = Result<String, StoreError>> + Send {
    stream::try_unfold(
        (state, filter, Place::Start),
        move |(state, filter, place)| async move {
            let (before, mut text) = match place {
                Place::Start => (None, head(format)),
                Place::Before(id) => (Some(id), String::new()),
                Place::End => return Ok(None),
            };
            let entries = state.store.audit_before(&filter, before, PIECE).await?;
            let next = match entries.last() {
                Some(last) if entries.len() == PIECE as usize => Place::Before(last.id),
                _ => Place::End,
            };
            for entry in entries {
                text.push_str(&line(&entry.into(), format)?);
            }
            Ok(Some((text, (state, filter, next))))
        },
    )
}

fn head(format: Format) -> String {
    match format {
        Format::Csv => "at,username,address,action,serverId,serverName,subject,outcome,code,detail,operationId,requestId\r\n"
            .to_owned(),
        Format::Jsonl => String::new(),
    }
}

fn line(entry: &AuditEntryView, format: Format) -> Result<String, StoreError> {
    Ok(match format {
        Format::Jsonl => format!("{}\n", serde_json::to_string(entry)?),
        Format::Csv => {
            let server_id = entry.server_id.map(|id| id.to_string()).unwrap_or_default();
            let at = entry.at.to_rfc3339();
            let fields = [
                at.as_str(),
                &entry.username,
                &entry.address,
                &entry.action,
                &server_id,
                entry.server_name.as_deref().unwrap_or_default(),
                &entry.subject,
                &entry.outcome,
                entry.code.as_deref().unwrap_or_default(),
                &entry.detail,
                entry.operation_id.as_deref().unwrap_or_default(),
                entry.request_id.as_deref().unwrap_or_default(),
            ];
            let fields: Vec<String> = fields.iter().map(|field| csv_field(field)).collect();
            format!("{}\r\n", fields.join(","))
        }
    })
}

/// A field as a spreadsheet reads it: quoted where it must be, and never taken for a formula.
fn csv_field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::csv_field;

    #[test]
    fn fields_are_quoted_and_harmless() {
        assert_eq!(csv_field("nginx:1"), "nginx:1");
        assert_eq!(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_field("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(csv_field("@a\nb"), "\"'@a\nb\"");
    }
}
