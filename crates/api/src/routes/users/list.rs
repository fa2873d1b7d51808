use axum::extract::State;
use imagefleet_model::Page;
use serde::Deserialize;

use super::{UserView, require};
use crate::extract::{Caller, Json, Paging, Query};
use crate::{AppState, Problem};

/// Which users.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Part of the name.
    q: Option<String>,
}

/// Users by name.
#[utoipa::path(
    get, path = "/users", tag = "users", operation_id = "listUsers", params(Filter, Paging),
    responses((status = 200, description = "Users", body = Page<UserView>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<UserView>>, Problem> {
    require(&caller)?;
    let page = state.store.users(filter.q.as_deref(), paging.request()?).await?;
    Ok(Json(page.map(Into::into)))
}
