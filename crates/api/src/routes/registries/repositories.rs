use axum::extract::State;
use imagefleet_operations::registry::{FoundRepository, RegistryClient};
use serde::{Deserialize, Serialize};

use super::not_given;
use super::rights::{may_look, require_look};
use crate::extract::{Caller, Json, Paging, Path, Query};
use crate::{AppState, Problem};

/// Which repositories.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Part of the path.
    q: Option<String>,
}

/// A page of a registry's repositories.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryPage {
    /// The rows of this page.
    items: Vec<RepositoryView>,
    /// How many match, as far as the registry was read.
    total: u64,
    /// This page's number, from 1.
    page: u64,
    /// Rows a page.
    size: u64,
    /// False when the registry holds more than was read: search more narrowly.
    complete: bool,
}

/// A repository of a registry.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryView {
    /// Its path in the registry, `team/app`.
    name: String,
    /// The familiar form that images are pulled by, `registry.example.com:5000/team/app`.
    full_name: String,
    /// What the registry says of it.
    description: Option<String>,
}

impl From<FoundRepository> for RepositoryView {
    fn from(found: FoundRepository) -> Self {
        Self {
            name: found.name,
            full_name: found.full_name,
            description: found.description,
        }
    }
}

/// Browse or search the repositories of a registry, of those that you may pull.
#[utoipa::path(
    get, path = "/registries/{id}/repositories", tag = "registries", operation_id = "listRegistryRepositories",
    params(("id" = i64, Path), Filter, Paging),
    responses((status = 200, description = "Repositories", body = RepositoryPage)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<RepositoryPage>, Problem> {
    require_look(&caller)?;
    let request = paging.request()?;
    let client = RegistryClient::new(&state.store.registry_account(id).await?)?;
    let found = client
        .repositories(&filter.q.unwrap_or_default(), request, |repository| {
            may_look(&caller.access, repository)
        })
        .await
        .map_err(not_given)?;
    Ok(Json(RepositoryPage {
        items: found.items.into_iter().map(Into::into).collect(),
        total: found.total,
        page: request.page,
        size: request.size,
        complete: found.complete,
    }))
}
