use axum::extract::State;
use axum::http::StatusCode;
use imagefleet_model::{ErrorCode, Verb};
use serde::Deserialize;

use super::change::look;
use super::{engine_of, require};
use crate::audit::AuditNote;
use crate::extract::{Caller, Path, Query};
use crate::{AppState, Problem};

/// How to remove.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Options {
    /// Also when it runs.
    #[serde(default)]
    pub force: bool,
    /// With its anonymous volumes.
    #[serde(default)]
    pub volumes: bool,
}

/// Remove a container from its server.
#[utoipa::path(
    delete, path = "/containers/{id}", tag = "containers", operation_id = "removeContainer",
    params(("id" = i64, Path), Options),
    responses((status = 204, description = "Removed")),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(options): Query<Options>,
) -> Result<StatusCode, Problem> {
    remove(&state, &caller, id, options).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes it; one that is gone already is removed.
pub async fn remove(state: &AppState, caller: &Caller, id: i64, options: Options) -> Result<(), Problem> {
    let container = require(state, caller, Verb::ContainerManage, id).await?.container;
    let note = AuditNote::new("container.remove", &container.name);
    let detail = match (options.force, options.volumes) {
        (true, true) => "force, with volumes",
        (true, false) => "force",
        (false, true) => "with volumes",
        (false, false) => "",
    };
    caller.audit(
        note.on(container.server_id, &container.server_name)
            .detail(detail),
    );
    let engine = engine_of(state, &container).await?;
    let outcome = engine
        .remove_container(&container.engine_id, options.force, options.volumes)
        .await;
    match outcome {
        Err(failure) if failure.code != ErrorCode::ContainerNotFound => {
            look(state, container.server_id, engine.as_ref()).await;
            Err(failure.into())
        }
        _ => {
            look(state, container.server_id, engine.as_ref()).await;
            state.store.remove_container_row(id).await?;
            Ok(())
        }
    }
}
