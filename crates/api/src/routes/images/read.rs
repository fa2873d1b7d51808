use std::time::Duration;

use axum::extract::State;
use imagefleet_model::{ErrorCode, Failure, Image, ImageId, ServerStatus, Verb};

use super::detail::{DetailView, EngineView};
use super::require;
use crate::extract::{Caller, Json, Path, Target};
use crate::{AppState, Problem};

/// A person waits for the answer: an engine that takes longer is left out of it.
const PATIENCE: Duration = Duration::from_secs(8);

/// One image on one server: everything that its engine tells, its layers, and the containers that use it. When the
/// engine cannot be asked, `engine` is null and `engineError` says why.
#[utoipa::path(
    get, path = "/images/{id}", tag = "images", operation_id = "readImage",
    params(("id" = i64, Path)),
    responses((status = 200, description = "The image", body = DetailView)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ImageId>,
) -> Result<Json<DetailView>, Problem> {
    let mut image = require(&state, &caller, Verb::ImageView, id).await?;
    state
        .store
        .hide_users(std::slice::from_mut(&mut image), &caller.access)
        .await?;
    let containers = state.store.containers_using(id, &caller.access).await?;
    let asked = tokio::time::timeout(PATIENCE, ask(&state, &caller, &image)).await;
    let asked = asked.unwrap_or_else(|_| {
        let sentence = format!("The engine did not answer within {} s.", PATIENCE.as_secs());
        Err(Failure::new(ErrorCode::EngineTimeout, sentence))
    });
    let (engine, engine_error) = match asked {
        Ok(view) => (view, None),
        Err(failure) => (None, Some(failure.info())),
    };
    Ok(Json(DetailView {
        image,
        engine,
        engine_error,
        containers,
    }))
}

/// What the engine tells; `None` for an image that is not there yet.
async fn ask(state: &AppState, caller: &Caller, image: &Image) -> Result<Option<EngineView>, Failure> {
    if image.engine_id.is_empty() {
        return Ok(None);
    }
    let server = state
        .store
        .existing_server(image.server_id, &caller.access)
        .await?;
    if server.status == ServerStatus::Offline {
        let reason = server
            .status_reason
            .unwrap_or_else(|| "The engine does not answer.".to_owned());
        return Err(Failure::new(ErrorCode::EngineUnreachable, reason));
    }
    let engine = state.operations.deps().engines.engine(image.server_id).await?;
    let (detail, layers) =
        tokio::try_join!(engine.image(&image.engine_id), engine.history(&image.engine_id))?;
    let seen = |repository: &str| caller.may(Verb::ImageView, Target::Image(image.server_id, repository));
    let view = EngineView::new(detail, layers);
    if caller.may(Verb::ImageView, Target::WholeServer(image.server_id)) {
        return Ok(Some(view));
    }
    Ok(Some(view.only(seen)))
}
