use axum::extract::State;
use futures_util::{StreamExt as _, stream};
use imagefleet_model::{Container, ErrorInfo};
use serde::{Deserialize, Serialize};

use super::change::{Change, change};
use super::delete::{Options, remove};
use crate::extract::{Caller, Json};
use crate::routes::images::unique;
use crate::{AppState, Problem};

/// What one request may change.
const MOST: usize = 200;
/// How many are changed at once: stopping may take each its grace time.
const AT_ONCE: usize = 16;

/// What to do with which containers.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContainerBatch)]
pub struct Body {
    /// These, on whatever servers they are.
    ids: Vec<i64>,
    /// What to do with each.
    action: Action,
    /// When removing: also those that run.
    #[serde(default)]
    force: bool,
    /// When removing: with their anonymous volumes.
    #[serde(default)]
    volumes: bool,
}

/// What a batch does.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ContainerAction)]
pub enum Action {
    /// Start them.
    Start,
    /// Stop them.
    Stop,
    /// Stop and start them.
    Restart,
    /// Kill them.
    Kill,
    /// Remove them.
    Remove,
}

/// What came of a batch, in the order of the ids.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ContainerBatchResult)]
pub struct BatchView {
    items: Vec<OneView>,
}

/// What came of one of them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ContainerBatchItem)]
pub struct OneView {
    /// Which.
    id: i64,
    /// Whether it went well.
    ok: bool,
    /// The container as it is now; null when it was removed or it did not go well.
    container: Option<Container>,
    /// Why it did not go well.
    error: Option<ErrorInfo>,
}

/// Start, stop, restart, kill or remove several containers. Each has an outcome of its own.
#[utoipa::path(
    post, path = "/containers/batch", tag = "containers", operation_id = "changeContainers", request_body = Body,
    responses((status = 200, description = "What came of each", body = BatchView)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<Body>,
) -> Result<Json<BatchView>, Problem> {
    if body.ids.is_empty() || body.ids.len() > MOST {
        return Err(Problem::field("ids", format!("must name 1 to {MOST} containers")));
    }
    let options = Options {
        force: body.force,
        volumes: body.volumes,
    };
    let (state, caller) = (&state, &caller);
    let items = stream::iter(unique(&body.ids))
        .map(async |id| {
            let outcome = one(state, caller, body.action, id, options).await;
            let (container, error) = match outcome {
                Ok(container) => (container, None),
                Err(problem) => (None, Some(problem.info())),
            };
            OneView {
                id,
                ok: error.is_none(),
                container,
                error,
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    Ok(Json(BatchView { items }))
}

async fn one(
    state: &AppState,
    caller: &Caller,
    action: Action,
    id: i64,
    options: Options,
) -> Result<Option<Container>, Problem> {
    let wanted = match action {
        Action::Start => Change::Start,
        Action::Stop => Change::Stop,
        Action::Restart => Change::Restart,
        Action::Kill => Change::Kill,
        Action::Remove => return remove(state, caller, id, options).await.map(|()| None),
    };
    change(state, caller, wanted, id).await.map(Some)
}
