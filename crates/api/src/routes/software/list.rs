use axum::extract::State;
use imagefleet_model::{Page, Software};
use imagefleet_store::SoftwareFilter;
use serde::Deserialize;

use crate::extract::{Caller, Json, Paging, Query};
use crate::{AppState, Problem};

/// Which entries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Part of the name, the repository or the description.
    q: Option<String>,
    /// Only of this category.
    category: Option<String>,
    /// Only those that came with imagefleet, or only own ones.
    builtin: Option<bool>,
}

/// The catalogue, by name. Everybody who is logged in may read it.
#[utoipa::path(
    get, path = "/software", tag = "software", operation_id = "listSoftware", params(Filter, Paging),
    responses((status = 200, description = "Catalogue entries", body = Page<Software>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    _caller: Caller,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<Software>>, Problem> {
    let filter = SoftwareFilter {
        search: filter.q,
        category: filter.category,
        builtin: filter.builtin,
    };
    Ok(Json(state.store.list_software(&filter, paging.request()?).await?))
}
