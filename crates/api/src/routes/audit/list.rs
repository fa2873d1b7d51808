use axum::extract::State;
use imagefleet_model::Page;

use super::filter::Filter;
use super::require;
use super::view::AuditEntryView;
use crate::extract::{Caller, Json, Paging, Query};
use crate::{AppState, Problem};

/// The audit log, the latest first.
#[utoipa::path(
    get, path = "/audit", tag = "audit", operation_id = "listAudit", params(Filter, Paging),
    responses((status = 200, description = "Lines", body = Page<AuditEntryView>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<AuditEntryView>>, Problem> {
    require(&caller)?;
    let page = state.store.audit(&filter.filter()?, paging.request()?).await?;
    Ok(Json(page.map(Into::into)))
}
