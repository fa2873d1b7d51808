use axum::extract::State;
use imagefleet_engine::EngineNetwork;
use imagefleet_model::{Page, ServerId, Verb};
use serde::Serialize;

use crate::extract::{Caller, Json, Paging, Path, Target};
use crate::routes::tokens::list::page_of;
use crate::{AppState, Problem};

/// A network that a container may join.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Network)]
pub struct NetworkView {
    /// Its name.
    name: String,
    /// `bridge`, `host`, `null`, `overlay`, …
    driver: String,
    /// `local`, `swarm`.
    scope: String,
}

impl From<EngineNetwork> for NetworkView {
    fn from(network: EngineNetwork) -> Self {
        Self {
            name: network.name,
            driver: network.driver,
            scope: network.scope,
        }
    }
}

/// The networks of a server, as its engine tells them now, by name.
#[utoipa::path(
    get, path = "/servers/{id}/networks", tag = "containers", operation_id = "listNetworks",
    params(("id" = i64, Path), Paging),
    responses((status = 200, description = "Networks", body = Page<NetworkView>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ServerId>,
    paging: Paging,
) -> Result<Json<Page<NetworkView>>, Problem> {
    state.store.existing_server(id, &caller.access).await?;
    caller.require(Verb::ImageView, Target::Server(id))?;
    let engine = state.operations.deps().engines.engine(id).await?;
    let mut networks = engine.networks().await?;
    networks.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Json(page_of(networks, paging.request()?).map(Into::into)))
}
