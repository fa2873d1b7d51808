use axum::extract::State;
use imagefleet_model::{Operation, OperationKind, Page, Status};
use imagefleet_store::OperationFilter;
use serde::Deserialize;

use super::shown_to;
use crate::extract::{Caller, Json, Paging, Query};
use crate::{AppState, Problem};

/// Which operations.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// `true`: those that have not ended. `false`: those that have.
    active: Option<bool>,
    /// Of this kind.
    kind: Option<OperationKind>,
    /// In this status.
    status: Option<Status>,
    /// With a step on this server.
    server_id: Option<i64>,
}

/// Operations, the latest first.
#[utoipa::path(
    get, path = "/operations", tag = "operations", operation_id = "listOperations", params(Filter, Paging),
    responses((status = 200, description = "Operations", body = Page<Operation>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<Operation>>, Problem> {
    let filter = OperationFilter {
        active: filter.active,
        kind: filter.kind,
        status: filter.status,
        server_id: filter.server_id,
    };
    let page = state
        .store
        .list_operations(&filter, &caller.access, paging.request()?)
        .await?;
    Ok(Json(page.map(|operation| shown_to(operation, &caller))))
}
