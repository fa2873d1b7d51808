use axum::extract::State;
use imagefleet_model::{Page, Verb};

use super::UploadView;
use crate::extract::{Caller, Json, Paging, Target};
use crate::{AppState, Problem};

/// One's own uploads, the latest first.
#[utoipa::path(
    get, path = "/uploads", tag = "uploads", operation_id = "listUploads", params(Paging),
    responses((status = 200, description = "Uploads", body = Page<UploadView>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Page<UploadView>>, Problem> {
    caller.require(Verb::ImageImport, Target::Anything)?;
    let page = state.store.uploads_of(caller.user_id, paging.request()?).await?;
    Ok(Json(page.map(UploadView::from)))
}
