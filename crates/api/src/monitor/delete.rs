use axum::extract::State;
use imagefleet_model::ImageId;
use serde::Serialize;

use super::Envelope;
use crate::extract::{Caller, Path, Query};
use crate::routes::images::delete::delete;
use crate::routes::images::delete_one::Options;
use crate::{AppState, Problem};

/// A delete that has begun.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MonitorDeleting)]
pub struct Deleting {
    /// The operation.
    operation_id: String,
}

/// 删除镜像: delete an image from its server.
#[utoipa::path(
    delete, path = "/{id}/image", tag = "monitor", operation_id = "monitorDeleteImage",
    params(("id" = i64, Path), Options),
    responses((status = 200, description = "Begun", body = Envelope<Deleting>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ImageId>,
    Query(options): Query<Options>,
) -> Result<Envelope<Deleting>, Problem> {
    let operation = delete(&state, &caller, &[id], options.force).await?;
    Ok(Envelope::ok(Deleting {
        operation_id: operation.id,
    }))
}
