use axum::extract::State;
use imagefleet_model::{Container, ImageId, Page, ServerId};
use imagefleet_store::ContainerFilter;
use serde::Deserialize;

use crate::extract::{Caller, Json, Paging, Query};
use crate::{AppState, Problem};

/// Docker's states (`GET /containers/json`), and those that Podman has beside them.
const STATES: [&str; 11] = [
    "created",
    "running",
    "paused",
    "restarting",
    "removing",
    "exited",
    "dead",
    "configured",
    "initialized",
    "stopping",
    "stopped",
];

/// Which containers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Part of the name or of the image.
    q: Option<String>,
    /// Only on this server.
    server_id: Option<ServerId>,
    /// Only those that run this image's content on its server.
    image_id: Option<ImageId>,
    /// Only those of this catalogue entry.
    software_id: Option<i64>,
    /// Only in this state: `running`, `exited`, `created`, …
    state: Option<String>,
}

/// The containers that the caller may see, by server and name.
#[utoipa::path(
    get, path = "/containers", tag = "containers", operation_id = "listContainers", params(Filter, Paging),
    responses((status = 200, description = "Containers", body = Page<Container>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<Container>>, Problem> {
    if let Some(state) = filter.state.as_deref().filter(|state| !STATES.contains(state)) {
        let known = STATES.join(", ");
        return Err(Problem::field(
            "state",
            format!("must be one of {known}, not {state:?}"),
        ));
    }
    let filter = ContainerFilter {
        server_id: filter.server_id,
        image_id: filter.image_id,
        software_id: filter.software_id,
        q: filter.q,
        state: filter.state,
    };
    let page = state
        .store
        .list_containers(&filter, &caller.access, paging.request()?)
        .await?;
    Ok(Json(page))
}
