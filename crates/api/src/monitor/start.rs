use axum::extract::State;
use imagefleet_model::{ImageId, Verb};
use serde::Serialize;

use super::Envelope;
use super::start_form::{StartForm, renamed};
use crate::extract::{Caller, Json, Path};
use crate::routes::containers::create::create;
use crate::routes::images;
use crate::{AppState, Problem};

/// What was begun.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MonitorStarted)]
pub struct Started {
    /// The operation.
    operation_id: String,
}

/// 创建容器: create a container from an image, and start it.
#[utoipa::path(
    post, path = "/{id}/start", tag = "monitor", operation_id = "monitorStartImage",
    params(("id" = i64, Path)), request_body = StartForm,
    responses((status = 200, description = "Begun", body = Envelope<Started>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ImageId>,
    Json(form): Json<StartForm>,
) -> Result<Envelope<Started>, Problem> {
    let image = images::require(&state, &caller, Verb::ContainerCreate, id).await?;
    let spec = form.into_spec().map_err(Problem::fields)?;
    let operation = create(&state, &caller, image, spec, &[], renamed).await?;
    Ok(Envelope::ok(Started {
        operation_id: operation.id,
    }))
}
