use axum::extract::State;
use imagefleet_model::{ImageId, Operation, Verb};
use imagefleet_operations::kinds::tag::plan;
use serde::Deserialize;

use super::push::target;
use super::require;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Path};
use crate::routes::operations::{Accepted, submit};
use crate::{AppState, Problem};

/// What else to call an image.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TagBody {
    /// The new reference; without a tag it is `latest`.
    #[schema(example = "registry.example.com:5000/team/app:2.0")]
    pub reference: String,
    /// Whether a reference that names other content on the server may be taken over.
    #[serde(default)]
    pub force: bool,
}

/// Give an image one more reference on its server.
#[utoipa::path(
    post, path = "/images/{id}/tag", tag = "images", operation_id = "tagImage", request_body = TagBody,
    params(("id" = ImageId, Path, description = "The image")),
    responses((status = 202, description = "Begun", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ImageId>,
    Json(body): Json<TagBody>,
) -> Result<Accepted, Problem> {
    let image = require(&state, &caller, Verb::ImagePush, id).await?;
    let reference = target(&caller, &image, &body.reference)?;
    caller.audit(AuditNote::new("image.tag", reference.to_string()).on(image.server_id, &image.server_name));
    let new = plan(&image, &reference, body.force, &caller.actor())?;
    submit(&state, &caller, new).await.map(Accepted)
}
