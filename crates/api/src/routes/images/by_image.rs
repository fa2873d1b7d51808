use axum::extract::State;
use imagefleet_model::Page;
use imagefleet_store::ImageGroup;

use super::filter::Filter;
use crate::extract::{Caller, Json, Paging, Query};
use crate::{AppState, Problem};

/// References with the servers that hold them; `drift` when servers hold different content under one.
#[utoipa::path(
    get, path = "/images/by-image", tag = "images", operation_id = "listImagesByImage", params(Filter, Paging),
    responses((status = 200, description = "Groups", body = Page<ImageGroup>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<ImageGroup>>, Problem> {
    let descending = filter.sort()?.descending;
    let page = state
        .store
        .images_by_image(&filter.filter()?, descending, &caller.access, paging.request()?)
        .await?;
    Ok(Json(page))
}
