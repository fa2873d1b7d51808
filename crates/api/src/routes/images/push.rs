use axum::extract::State;
use imagefleet_model::{ErrorCode, Image, ImageId, ImageRef, Operation, Verb};
use imagefleet_operations::credentials;
use imagefleet_operations::kinds::push::plan;
use serde::Deserialize;

use super::require;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Path, Target};
use crate::routes::operations::{Accepted, submit_at};
use crate::{AppState, Problem};

/// Where to push an image.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PushBody {
    /// The reference to push under; left out, the image's own. The image is given it first.
    #[schema(example = "registry.example.com:5000/team/app:2.0")]
    pub reference: Option<String>,
    /// The registry account to push with; left out, the one whose namespace matches best, if any.
    pub registry_id: Option<i64>,
    /// Whether it waits for the off-peak window of its servers; left out, as their windows say for pushes.
    #[serde(default)]
    pub off_peak: Option<bool>,
}

/// Push an image to a registry.
#[utoipa::path(
    post, path = "/images/{id}/push", tag = "images", operation_id = "pushImage", request_body = PushBody,
    params(("id" = ImageId, Path, description = "The image")),
    responses((status = 202, description = "Begun", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ImageId>,
    Json(body): Json<PushBody>,
) -> Result<Accepted, Problem> {
    let image = require(&state, &caller, Verb::ImagePush, id).await?;
    let text = body.reference.as_deref().unwrap_or(&image.full_name);
    let reference = target(&caller, &image, text)?;
    // A chosen registry completes a name without one; the right is asked for what comes of it.
    let reference = credentials::in_registry(&state.store, reference, body.registry_id).await?;
    caller.require(
        Verb::ImagePush,
        Target::Image(image.server_id, &reference.repository()),
    )?;
    caller.audit(AuditNote::new("image.push", reference.to_string()).on(image.server_id, &image.server_name));
    let new = plan(&image, &reference, body.registry_id, &caller.actor())?;
    submit_at(&state, &caller, new, body.off_peak).await.map(Accepted)
}

/// A reference that the image may be given: the caller holds the right on its repository too.
pub fn target(caller: &Caller, image: &Image, text: &str) -> Result<ImageRef, Problem> {
    let reference = ImageRef::parse(text.trim())
        .map_err(|error| {
            Problem::new(ErrorCode::InvalidReference, error.to_string()).with_field("reference")
        })?
        .with_default_tag();
    if reference.digest().is_some() {
        return Err(Problem::field(
            "reference",
            "must not have a digest: it follows from the content",
        ));
    }
    caller.require(
        Verb::ImagePush,
        Target::Image(image.server_id, &reference.repository()),
    )?;
    if image.engine_id.is_empty() {
        let sentence = format!("{} is not on {} yet.", image.full_name, image.server_name);
        return Err(Problem::new(ErrorCode::Conflict, sentence));
    }
    Ok(reference)
}
