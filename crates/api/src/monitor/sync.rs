use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde::Serialize;

use super::Envelope;
use super::fields::Fields;
use crate::extract::Caller;
use crate::routes::images::sync::{SyncBody, sync};
use crate::{AppState, Problem};

/// A sync that has begun.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MonitorSyncing)]
pub struct Syncing {
    /// The operation.
    operation_id: String,
    /// How many servers were taken on.
    sync_count: usize,
}

/// 同步镜像: bring the images of these servers, or of all, in step.
#[utoipa::path(
    post, path = "/sync", tag = "monitor", operation_id = "monitorSyncImages", request_body = SyncBody,
    responses((status = 200, description = "Begun", body = Envelope<Syncing>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Envelope<Syncing>, Problem> {
    let fields = Fields::of_request(query.as_deref(), &headers, &body)?;
    let body = SyncBody {
        server_ids: Some(fields.ids("serverIds")?),
    };
    let operation = sync(&state, &caller, body).await?;
    Ok(Envelope::ok(Syncing {
        sync_count: operation.steps.len(),
        operation_id: operation.id,
    }))
}
