use axum::extract::State;
use imagefleet_model::{ImageId, Verb};

use super::Envelope;
use super::image::ImageView;
use crate::extract::{Caller, Path};
use crate::routes::images;
use crate::{AppState, Problem};

/// 获取详情: one image.
#[utoipa::path(
    get, path = "/{id}", tag = "monitor", operation_id = "monitorReadImage", params(("id" = i64, Path)),
    responses((status = 200, description = "The image", body = Envelope<ImageView>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ImageId>,
) -> Result<Envelope<ImageView>, Problem> {
    let image = images::require(&state, &caller, Verb::ImageView, id).await?;
    Ok(Envelope::ok(image.into()))
}
