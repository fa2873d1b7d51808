use axum::extract::State;
use imagefleet_model::{ImageId, Operation};
use serde::Deserialize;

use super::delete::delete;
use crate::extract::{Caller, Path, Query};
use crate::routes::operations::Accepted;
use crate::{AppState, Problem};

/// How to delete.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Options {
    /// Also when stopped containers use it or it has other tags.
    #[serde(default)]
    pub force: bool,
}

/// Delete an image from its server. The row goes when the engine says that the image is gone.
#[utoipa::path(
    delete, path = "/images/{id}", tag = "images", operation_id = "deleteImage",
    params(("id" = i64, Path), Options),
    responses((status = 202, description = "Begun", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ImageId>,
    Query(options): Query<Options>,
) -> Result<Accepted, Problem> {
    delete(&state, &caller, &[id], options.force).await.map(Accepted)
}
