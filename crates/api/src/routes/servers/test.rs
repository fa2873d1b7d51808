use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use imagefleet_engine::Engine;
use imagefleet_model::{EngineInfo, ErrorCode, Failure, ImageStore, ServerId, Verb};
use imagefleet_operations::Change;
use imagefleet_store::EngineServer;
use serde::Serialize;

use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Path, Target};
use crate::{AppState, Problem};

/// How long somebody waits for the answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether an engine answers there, and who it is or what is wrong.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerTest {
    /// Whether it can be worked with.
    pub ok: bool,
    /// `20.10.24`, `28.5.2`, …
    pub engine_version: Option<String>,
    /// The API version that was negotiated.
    pub api_version: Option<String>,
    /// How it keeps images.
    pub image_store: Option<ImageStore>,
    /// Its own platform.
    pub platform: Option<String>,
    /// How long connecting and asking took.
    pub latency_ms: u64,
    /// What kind of failure.
    pub code: Option<String>,
    /// What is wrong, for people.
    pub message: Option<String>,
    /// What to check.
    pub hint: Option<String>,
    /// The SSH host key that was met, `SHA256:…`.
    pub host_key: Option<String>,
    /// The SSH host key of the machine before the server.
    pub jump_host_key: Option<String>,
}

/// Connect to a server's engine anew and ask who it is. The answer is 200 either way: `ok` tells.
#[utoipa::path(
    post, path = "/servers/{id}/test", tag = "servers", operation_id = "testServer", params(("id" = i64, Path)),
    responses((status = 200, description = "What came of it", body = ServerTest)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ServerId>,
) -> Result<Json<ServerTest>, Problem> {
    let server = state.store.existing_server(id, &caller.access).await?;
    caller.audit(AuditNote::new("server.test", &server.name).on(id, &server.name));
    caller.require(Verb::ServerManage, Target::WholeServer(id))?;
    let present = state.store.server_for_engine(id).await?;
    let (outcome, view) = ask(&state, &present).await;
    if let Some(key) = &view.host_key {
        state.store.pin_host_key(id, key).await?;
    }
    if let Some(key) = &view.jump_host_key {
        state.store.pin_jump_key(id, key).await?;
    }
    let change = match &outcome {
        Ok(info) => state.store.set_server_online(id, info).await?,
        Err(failure) => state.store.set_server_offline(id, failure).await?,
    };
    if change.changed {
        state.operations.deps().changed(Change::Server(id));
        state.watches.ring();
    }
    Ok(Json(view))
}

/// Tries the way of a server, stored or not.
pub async fn ask(state: &AppState, server: &EngineServer) -> (Result<EngineInfo, Failure>, ServerTest) {
    let engine: Arc<dyn Engine> = state.operations.deps().engines.connect(server);
    let started = Instant::now();
    let outcome = tokio::time::timeout(PATIENCE, engine.info())
        .await
        .unwrap_or_else(|_| {
            Err(Failure::new(
                ErrorCode::EngineTimeout,
                format!("The engine did not answer within {} s.", PATIENCE.as_secs()),
            ))
        });
    let mut view = ServerTest {
        latency_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        host_key: engine.observed_host_key(),
        jump_host_key: engine.observed_jump_key(),
        ..ServerTest::default()
    };
    match &outcome {
        Ok(info) => {
            view.ok = true;
            view.engine_version = Some(info.engine_version.clone());
            view.api_version = Some(info.api_version.clone());
            view.image_store = Some(info.image_store);
            view.platform = Some(info.platform.clone());
        }
        Err(failure) => {
            let told = failure.info();
            view.code = Some(told.code);
            view.message = Some(told.message);
            view.hint = told.hint;
        }
    }
    (outcome, view)
}
