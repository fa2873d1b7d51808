use axum::extract::State;
use imagefleet_model::{ImageId, Operation, Verb};
use imagefleet_operations::kinds::delete::plan;
use serde::Deserialize;

use super::{require, unique};
use crate::audit::AuditNote;
use crate::extract::{Caller, Json};
use crate::routes::operations::{Accepted, submit};
use crate::{AppState, Problem};

/// What one request may delete: more is a mistake or needs a plan of its own.
const MOST: usize = 1000;

/// Which images.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeleteBody {
    /// These, on whatever servers they are.
    image_ids: Vec<ImageId>,
    /// Also when stopped containers use them or they have other tags.
    #[serde(default)]
    force: bool,
}

/// Delete several images from their servers.
#[utoipa::path(
    post, path = "/images/delete", tag = "images", operation_id = "deleteImages", request_body = DeleteBody,
    responses((status = 202, description = "Begun", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<DeleteBody>,
) -> Result<Accepted, Problem> {
    if body.image_ids.is_empty() || body.image_ids.len() > MOST {
        return Err(Problem::field(
            "imageIds",
            format!("must name 1 to {MOST} images"),
        ));
    }
    delete(&state, &caller, &body.image_ids, body.force)
        .await
        .map(Accepted)
}

/// Begins to delete images.
pub async fn delete(
    state: &AppState,
    caller: &Caller,
    ids: &[ImageId],
    force: bool,
) -> Result<Operation, Problem> {
    let mut images = Vec::with_capacity(ids.len());
    for id in unique(ids) {
        images.push(require(state, caller, Verb::ImageDelete, id).await?);
    }
    for image in &images {
        let note = AuditNote::new("image.delete", &image.full_name).on(image.server_id, &image.server_name);
        caller.audit(note.detail(if force { "force" } else { "" }));
    }
    let new = plan(state.operations.deps(), images, force, &caller.actor()).await?;
    submit(state, caller, new).await
}
