use axum::extract::State;
use imagefleet_model::{Image, Page};

use super::filter::Filter;
use crate::extract::{Caller, Json, Paging, Query};
use crate::{AppState, Problem};

/// Images, one row for each reference on each server.
#[utoipa::path(
    get, path = "/images", tag = "images", operation_id = "listImages", params(Filter, Paging),
    responses((status = 200, description = "Images", body = Page<Image>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<Image>>, Problem> {
    let page = state
        .store
        .list_images(
            &filter.filter()?,
            filter.sort()?,
            &caller.access,
            paging.request()?,
        )
        .await?;
    Ok(Json(page))
}
