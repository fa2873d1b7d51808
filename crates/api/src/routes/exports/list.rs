use axum::extract::State;
use imagefleet_model::{Export, Page, Verb};

use crate::extract::{Caller, Json, Paging, Target};
use crate::{AppState, Problem};

/// Finished archives that the caller may fetch, the latest first.
#[utoipa::path(
    get, path = "/exports", tag = "exports", operation_id = "listExports", params(Paging),
    responses((status = 200, description = "Exports", body = Page<Export>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Page<Export>>, Problem> {
    caller.require(Verb::ImageExport, Target::Anything)?;
    let page = state.store.exports(&caller.access, paging.request()?).await?;
    Ok(Json(page))
}
