use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use imagefleet_store::AuditEntry;

use super::RequestId;
use crate::audit::{AuditNote, Trail};
use crate::peer::Peer;
use crate::{AppState, Problem};

/// Writes what changing requests did into the audit log. Handlers say it in their words ([`Trail`]); one that says
/// nothing still has a line with method and route, so that none can be forgotten. What only reads has a line when its
/// handler says so: a file that leaves.
pub async fn audit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let extensions = request.extensions();
    let trail = extensions.get::<Trail>().cloned().unwrap_or_default();
    let request_id = extensions.get::<RequestId>().map(|id| id.0.clone());
    let address = extensions.get::<Peer>().map(|peer| peer.address.to_string());
    let route = extensions
        .get::<MatchedPath>()
        .map(|matched| matched.as_str().to_owned());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();

    let response = next.run(request).await;

    // A path that does not exist changes nothing.
    let Some(route) = route else { return response };
    let said = trail.gathered();
    let silent = reads && said.notes.is_empty();
    if silent || said.skipped || response.status() == StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let problem = response.extensions().get::<Problem>();
    let common = AuditEntry {
        username: said.username.unwrap_or_default(),
        address: address.unwrap_or_default(),
        action: format!("{method} {route}"),
        subject: path,
        outcome: outcome(response.status()).to_owned(),
        code: problem.map(|problem| problem.code().as_str().to_owned()),
        detail: problem
            .map(|problem| problem.detail().to_owned())
            .unwrap_or_default(),
        operation_id: said.operation,
        request_id,
        ..AuditEntry::default()
    };
    let entries: Vec<AuditEntry> = if said.notes.is_empty() {
        vec![common]
    } else {
        said.notes.into_iter().map(|note| entry(note, &common)).collect()
    };
    if let Err(error) = state.store.add_audit(&entries).await {
        tracing::error!(%error, "the audit log could not be written");
    }
    response
}

fn entry(note: AuditNote, common: &AuditEntry) -> AuditEntry {
    AuditEntry {
        action: note.action.to_owned(),
        server_id: note.server_id,
        server_name: note.server_name,
        subject: note.subject,
        detail: if note.detail.is_empty() {
            common.detail.clone()
        } else {
            note.detail
        },
        ..common.clone()
    }
}

fn outcome(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 | 429 => "refused",
        400.. => "failed",
        _ => "ok",
    }
}
