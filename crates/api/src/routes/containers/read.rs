use std::time::Duration;

use axum::extract::State;
use imagefleet_engine::ContainerDetail;
use imagefleet_model::{Container, ErrorCode, Failure, ServerStatus, Verb};
use imagefleet_store::AuditEntry;
use serde::Deserialize;

use super::detail::{DetailView, Facts, Shown};
use super::require;
use crate::extract::{Caller, Json, Path, Query, Target};
use crate::{AppState, Problem};

/// A person waits for the answer: an engine that takes longer is left out of it.
const PATIENCE: Duration = Duration::from_secs(8);

/// How to show it.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Options {
    /// Show values that look like secrets too; needs the right container:manage, and is written into the audit log.
    #[serde(default)]
    reveal: bool,
}

/// One container: what is known of it, and what its engine tells at this moment. When the engine cannot be asked,
/// `engineError` says why.
#[utoipa::path(
    get, path = "/containers/{id}", tag = "containers", operation_id = "readContainer",
    params(("id" = i64, Path), Options),
    responses((status = 200, description = "The container", body = DetailView)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(options): Query<Options>,
) -> Result<Json<DetailView>, Problem> {
    let verb = if options.reveal {
        Verb::ContainerManage
    } else {
        Verb::ImageView
    };
    let found = require(&state, &caller, verb, id).await?;
    let target = Target::Image(found.container.server_id, &found.repository);
    let shown = if options.reveal {
        reveal(&state, &caller, &found.container).await?;
        Shown::Everything
    } else if caller.may(Verb::ContainerManage, target) {
        Shown::NoSecrets
    } else {
        Shown::Names
    };
    let asked = tokio::time::timeout(PATIENCE, ask(&state, &caller, &found.container)).await;
    let asked = asked.unwrap_or_else(|_| {
        let sentence = format!("The engine did not answer within {} s.", PATIENCE.as_secs());
        Err(Failure::new(ErrorCode::EngineTimeout, sentence))
    });
    Ok(Json(match asked {
        Ok(detail) => DetailView::new(found.container, detail, shown),
        Err(failure) => DetailView {
            container: found.container,
            facts: Facts::default(),
            engine_error: Some(failure.info()),
        },
    }))
}

async fn ask(state: &AppState, caller: &Caller, container: &Container) -> Result<ContainerDetail, Failure> {
    let server = state
        .store
        .existing_server(container.server_id, &caller.access)
        .await?;
    if server.status == ServerStatus::Offline {
        let reason = server.status_reason;
        let reason = reason.unwrap_or_else(|| "The engine does not answer.".to_owned());
        return Err(Failure::new(ErrorCode::EngineUnreachable, reason));
    }
    let engine = state
        .operations
        .deps()
        .engines
        .engine(container.server_id)
        .await?;
    engine.container(&container.engine_id).await
}

/// Requests that only read leave no line in the audit log; one that shows secrets does.
async fn reveal(state: &AppState, caller: &Caller, container: &Container) -> Result<(), Problem> {
    let entry = AuditEntry {
        username: caller.username.clone(),
        address: caller.address.to_string(),
        action: "container.reveal".to_owned(),
        server_id: Some(container.server_id),
        server_name: Some(container.server_name.clone()),
        subject: container.name.clone(),
        outcome: "ok".to_owned(),
        ..AuditEntry::default()
    };
    Ok(state.store.add_audit(&[entry]).await?)
}
