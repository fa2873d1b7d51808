use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _};
use imagefleet_engine::ContainerStats;
use imagefleet_model::Verb;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::change::explained;
use super::{engine_of, require};
use crate::extract::{Caller, Json, Path, Query};
use crate::{AppState, Problem};

/// An engine measures about once a second; what takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(4);

/// One measurement, or one after the other.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Options {
    /// One JSON object a line, about one a second, until the container ends or the client leaves.
    #[serde(default)]
    stream: bool,
}

/// One measurement of a container.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContainerStats)]
pub struct StatsView {
    /// When it was measured.
    at: Option<DateTime<Utc>>,
    /// Percent of one processor; 250 is two and a half.
    cpu_percent: f64,
    /// Bytes used, page cache left out.
    memory_bytes: u64,
    /// Limit in bytes, that of the machine when the container has none.
    memory_limit: u64,
    /// Bytes received over all networks.
    network_rx: u64,
    /// Bytes sent over all networks.
    network_tx: u64,
    /// Processes.
    pids: u64,
}

impl From<ContainerStats> for StatsView {
    fn from(stats: ContainerStats) -> Self {
        Self {
            at: stats.at,
            cpu_percent: stats.cpu_percent,
            memory_bytes: stats.memory_bytes,
            memory_limit: stats.memory_limit,
            network_rx: stats.network_rx,
            network_tx: stats.network_tx,
            pids: stats.pids,
        }
    }
}

/// What a container uses of processor and memory: one measurement, or with `stream` one a line. One that does not run
/// uses nothing.
#[utoipa::path(
    get, path = "/containers/{id}/stats", tag = "containers", operation_id = "readContainerStats",
    params(("id" = i64, Path), Options),
    responses((status = 200, description = "A measurement, or application/x-ndjson of them", body = StatsView)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(options): Query<Options>,
) -> Result<Response, Problem> {
    let container = require(&state, &caller, Verb::ImageView, id).await?.container;
    let engine = engine_of(&state, &container).await?;
    let mut measured = engine.stats(&container.engine_id).await.map_err(explained)?;
    if options.stream {
        let lines = measured
            .map(|stats| line(&stats.map_err(std::io::Error::other)?.into()))
            .take_until(state.ending.clone().cancelled_owned());
        let mut response = Body::from_stream(lines).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-ndjson"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        return Ok(response);
    }
    let first = timeout(PATIENCE, measured.try_next())
        .await
        .ok()
        .transpose()?
        .flatten();
    let shown = match first {
        // The first has nothing to compare the processor's time with.
        Some(first) if first.cpu_percent == 0.0 && first.memory_bytes > 0 => {
            match timeout(PATIENCE, measured.try_next()).await {
                Ok(Ok(Some(second))) => Some(second),
                _ => Some(first),
            }
        }
        first => first,
    };
    Ok(Json(shown.map(StatsView::from).unwrap_or_default()).into_response())
}

fn line(stats: &StatsView) -> Result<Bytes, std::io::Error> {
    let mut line = serde_json::to_vec(stats)?;
    line.push(b'\n');
    Ok(line.into())
}
