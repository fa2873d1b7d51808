use axum::extract::State;
use imagefleet_model::{ErrorCode, Operation, ServerId, Verb};
use imagefleet_operations::kinds::sync::plan;
use serde::Deserialize;

use super::find_servers;
use crate::audit::AuditNote;
use crate::extract::{Caller, OptionalJson, Target};
use crate::routes::operations::{Accepted, submit};
use crate::{AppState, Problem};

/// Which servers.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncBody {
    /// These; none means all.
    pub server_ids: Option<Vec<ServerId>>,
}

/// Bring what we know in step with the engines: of these servers, or of all.
#[utoipa::path(
    post, path = "/images/sync", tag = "images", operation_id = "syncImages",
    request_body = Option<SyncBody>,
    responses((status = 202, description = "Begun", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    OptionalJson(body): OptionalJson<SyncBody>,
) -> Result<Accepted, Problem> {
    sync(&state, &caller, body).await.map(Accepted)
}

/// Begins a sync.
pub async fn sync(state: &AppState, caller: &Caller, body: SyncBody) -> Result<Operation, Problem> {
    let ids = match body.server_ids {
        Some(ids) if !ids.is_empty() => ids,
        _ => all(state, caller).await?,
    };
    let servers = find_servers(state, caller, Verb::ImagePull, &ids, None).await?;
    for (id, name) in &servers {
        caller.audit(AuditNote::new("image.sync", "").on(*id, name));
    }
    let new = plan(servers, &caller.actor());
    submit(state, caller, new).await
}

async fn all(state: &AppState, caller: &Caller) -> Result<Vec<ServerId>, Problem> {
    caller.require(Verb::ImagePull, Target::Anything)?;
    let servers = state.store.enabled_servers().await?;
    let ids: Vec<ServerId> = servers
        .into_iter()
        .filter(|id| caller.may(Verb::ImagePull, Target::Server(*id)))
        .collect();
    if ids.is_empty() {
        return Err(Problem::new(
            ErrorCode::Conflict,
            "There is no enabled server to sync.",
        ));
    }
    Ok(ids)
}
