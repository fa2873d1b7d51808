use std::time::Duration;

use axum::extract::State;
use futures_util::future::join_all;
use imagefleet_model::{ErrorCode, ErrorInfo, Failure, ImageId, ServerId};
use imagefleet_operations::kinds::copy::{Preview, Source};
use serde::{Deserialize, Serialize};

use super::copy::check;
use crate::extract::{Caller, Json, Path, Query};
use crate::{AppState, Problem};

/// A person waits for the answer: an engine that takes longer is left out of it.
const PATIENCE: Duration = Duration::from_secs(8);

/// Which targets.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Targets {
    /// Ids of servers, separated by commas.
    #[param(example = "1,2")]
    server_ids: String,
}

/// What a copy would send.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CopyPreview)]
pub struct PreviewView {
    /// The image.
    image_id: ImageId,
    /// One for each target.
    targets: Vec<TargetView>,
}

/// What a copy would send to one server.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CopyPreviewTarget)]
struct TargetView {
    /// The server.
    server_id: ServerId,
    /// Its name.
    server_name: String,
    /// Whether it has the image under this name already.
    present: bool,
    /// Layers of the image.
    layers_total: u64,
    /// Layers that it lacks.
    layers_to_send: u64,
    /// Bytes of all layers.
    bytes_total: u64,
    /// Bytes of those that it lacks.
    bytes_to_send: u64,
    /// Why nobody knows; the figures are zero then.
    error: Option<ErrorInfo>,
}

/// What a copy of an image would send to each server: "12 MB of 1.4 GB".
#[utoipa::path(
    get, path = "/images/{id}/copy-preview", tag = "images", operation_id = "previewCopy",
    params(("id" = i64, Path), Targets),
    responses((status = 200, description = "For each target", body = PreviewView)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ImageId>,
    Query(targets): Query<Targets>,
) -> Result<Json<PreviewView>, Problem> {
    let ids = targets
        .server_ids
        .split(',')
        .map(|word| word.trim().parse())
        .collect::<Result<Vec<ServerId>, _>>()
        .map_err(|_| Problem::field("serverIds", "must be ids of servers, separated by commas"))?;
    let (image, servers) = check(&state, &caller, id, &ids).await?;
    let engines = &state.operations.deps().engines;
    let engine = engines.engine(image.server_id).await?;
    let source = patient(Source::of(engine.as_ref(), &image.full_name)).await?;
    let targets = servers.into_iter().map(async |(server_id, server_name)| {
        let asked = patient(async { source.preview(engines.engine(server_id).await?.as_ref()).await });
        let (preview, error) = match asked.await {
            Ok(preview) => (preview, None),
            Err(failure) => (Preview::default(), Some(failure.info())),
        };
        TargetView {
            server_id,
            server_name,
            present: preview.present,
            layers_total: preview.layers_total,
            layers_to_send: preview.layers_to_send,
            bytes_total: preview.bytes_total,
            bytes_to_send: preview.bytes_to_send,
            error,
        }
    });
    let targets = join_all(targets).await;
    Ok(Json(PreviewView {
        image_id: id,
        targets,
    }))
}

async fn patient<T>(asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
        let sentence = format!("The engine did not answer within {} s.", PATIENCE.as_secs());
        Err(Failure::new(ErrorCode::EngineTimeout, sentence))
    })
}
