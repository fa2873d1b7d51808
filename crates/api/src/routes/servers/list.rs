use axum::extract::State;
use imagefleet_model::{Page, Server, ServerStatus};
use imagefleet_store::ServerFilter;
use serde::Deserialize;

use crate::extract::{Caller, Json, Paging, Query};
use crate::{AppState, Problem};

/// Which servers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Part of the name, the endpoint or the description.
    q: Option<String>,
    /// Only in this status.
    status: Option<ServerStatus>,
    /// Only with this tag.
    tag: Option<String>,
}

/// The servers that you may see, by name.
#[utoipa::path(
    get, path = "/servers", tag = "servers", operation_id = "listServers", params(Filter, Paging),
    responses((status = 200, description = "Servers", body = Page<Server>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<Server>>, Problem> {
    let filter = ServerFilter {
        search: filter.q,
        status: filter.status,
        tag: filter.tag,
    };
    let page = state
        .store
        .list_servers(&filter, &caller.access, paging.request()?)
        .await?;
    Ok(Json(page))
}
