use axum::extract::State;
use imagefleet_store::ImageSort;
use serde::{Deserialize, Serialize};

use super::Envelope;
use super::filter::Filter;
use super::image::ImageView;
use crate::extract::{Caller, Paging, Query};
use crate::{AppState, Problem};

/// Which page: `page` and `size`, or as the document's client library names them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Pages {
    /// From 1.
    page: Option<u64>,
    /// 1 to 200.
    size: Option<u64>,
    /// The same as `page`.
    current: Option<u64>,
    /// The same as `size`.
    page_size: Option<u64>,
}

/// A page as the document's client library reads it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Records {
    /// The rows of this page.
    records: Vec<ImageView>,
    /// How many rows match over all pages.
    total: u64,
    /// Rows a page.
    size: u64,
    /// This page, from 1.
    current: u64,
    /// How many pages there are.
    pages: u64,
}

/// 分页查询: images by page.
#[utoipa::path(
    get, path = "/page", tag = "monitor", operation_id = "monitorPageImages", params(Pages, Filter),
    responses((status = 200, description = "A page", body = Envelope<Records>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(pages): Query<Pages>,
    Query(filter): Query<Filter>,
) -> Result<Envelope<Records>, Problem> {
    let request = Paging::new(pages.page.or(pages.current), pages.size.or(pages.page_size)).request()?;
    let filter = filter.filter()?;
    let page = state
        .store
        .list_images(&filter, ImageSort::default(), &caller.access, request)
        .await?;
    Ok(Envelope::ok(Records {
        total: page.total,
        size: page.size,
        current: page.page,
        pages: page.total.div_ceil(page.size),
        records: page.items.into_iter().map(Into::into).collect(),
    }))
}
