use axum::extract::State;
use imagefleet_model::{Page, Registry};
use serde::Deserialize;

use super::rights::require_look;
use crate::extract::{Caller, Json, Paging, Query};
use crate::{AppState, Problem};

/// Which registries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Part of the name, host, namespace or account.
    q: Option<String>,
}

/// Registry accounts, by name. Passwords are never among them.
#[utoipa::path(
    get, path = "/registries", tag = "registries", operation_id = "listRegistries", params(Filter, Paging),
    responses((status = 200, description = "Registries", body = Page<Registry>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<Registry>>, Problem> {
    require_look(&caller)?;
    Ok(Json(
        state
            .store
            .registries(filter.q.as_deref(), paging.request()?)
            .await?,
    ))
}
