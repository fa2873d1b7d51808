use axum::extract::State;
use imagefleet_model::{ErrorCode, Image, ImageId, Operation, ServerId, Verb};
use imagefleet_operations::kinds::copy::plan;
use serde::Deserialize;

use super::{find_servers, require};
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Target};
use crate::routes::operations::{Accepted, submit_at};
use crate::{AppState, Problem};

/// What to copy, and where.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CopyBody {
    /// The image, on the server that has it.
    pub image_id: ImageId,
    /// The servers that shall have it too.
    pub server_ids: Vec<ServerId>,
    /// Whether it waits for the off-peak window of its servers; left out, as their windows say for copies.
    #[serde(default)]
    pub off_peak: Option<bool>,
}

/// Copy an image to other servers, without a registry: it is read once, and each server gets the layers that it lacks.
#[utoipa::path(
    post, path = "/images/copy", tag = "images", operation_id = "copyImage", request_body = CopyBody,
    responses((status = 202, description = "Begun", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<CopyBody>,
) -> Result<Accepted, Problem> {
    let (image, servers) = check(&state, &caller, body.image_id, &body.server_ids).await?;
    for (id, name) in &servers {
        let note = AuditNote::new("image.copy", &image.full_name).on(*id, name);
        caller.audit(note.detail(format!("from {}", image.server_name)));
    }
    let new = plan(&image, servers, &caller.actor())?;
    submit_at(&state, &caller, new, body.off_peak).await.map(Accepted)
}

/// The image and the targets, when the caller may copy the one to the others.
pub async fn check(
    state: &AppState,
    caller: &Caller,
    image: ImageId,
    servers: &[ServerId],
) -> Result<(Image, Vec<(ServerId, String)>), Problem> {
    let image = require(state, caller, Verb::ImageView, image).await?;
    let source = Target::Image(image.server_id, &image.repository);
    // What leaves a server leaves it, be it as a file or as a copy.
    if !caller.may(Verb::ImageCopy, source) {
        caller.require(Verb::ImageExport, source)?;
    }
    if servers.contains(&image.server_id) {
        return Err(Problem::field(
            "serverIds",
            "must not name the server that has the image",
        ));
    }
    let targets = find_servers(state, caller, Verb::ImageCopy, servers, Some(&image.repository)).await?;
    find_servers(state, caller, Verb::ImageView, &[image.server_id], None).await?;
    if image.engine_id.is_empty() {
        let sentence = format!("{} is not on {} yet.", image.full_name, image.server_name);
        return Err(Problem::new(ErrorCode::Conflict, sentence));
    }
    Ok((image, targets))
}
