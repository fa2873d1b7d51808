use axum::extract::State;
use imagefleet_model::Page;
use imagefleet_store::ServerGroup;

use super::filter::Filter;
use crate::extract::{Caller, Json, Paging, Query};
use crate::{AppState, Problem};

/// Servers with their images: how many match, their bytes, and the first few.
#[utoipa::path(
    get, path = "/images/by-server", tag = "images", operation_id = "listImagesByServer", params(Filter, Paging),
    responses((status = 200, description = "Groups", body = Page<ServerGroup>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<ServerGroup>>, Problem> {
    // The order is the servers' own; what is no order at all is refused as elsewhere.
    filter.sort()?;
    let page = state
        .store
        .images_by_server(&filter.filter()?, &caller.access, paging.request()?)
        .await?;
    Ok(Json(page))
}
