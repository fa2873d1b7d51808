use axum::extract::State;
use imagefleet_archive::Compression;
use imagefleet_model::{ErrorCode, Image, ImageId, Operation, ServerId, Verb};
use imagefleet_operations::kinds::export::{file_path, plan};
use serde::Deserialize;

use super::{find_servers, require, unique};
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Target};
use crate::routes::operations::{Accepted, submit_at};
use crate::{AppState, Problem};

/// More references than this make a request to an engine that it may not take.
const MOST: usize = 1000;

/// What to export.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportBody {
    /// These images: one archive for each server that holds some of them.
    #[serde(default)]
    pub image_ids: Option<Vec<ImageId>>,
    /// Or all images of this server.
    #[serde(default)]
    pub server_id: Option<ServerId>,
    /// `none` (the default), `gzip` or `zstd`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "gzip")]
    pub compression: Option<Compression>,
    /// Whether it waits for the off-peak window of its servers; left out, as their windows say for exports.
    #[serde(default)]
    pub off_peak: Option<bool>,
}

/// Export images into archives that can be downloaded afterwards. The operation's result names them.
#[utoipa::path(
    post, path = "/images/export", tag = "images", operation_id = "exportImages", request_body = ExportBody,
    responses((status = 202, description = "Begun", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<ExportBody>,
) -> Result<Accepted, Problem> {
    let (operation, _) = export(&state, &caller, body).await?;
    Ok(Accepted(operation))
}

/// Begins an export; where the files can be fetched when it has ended.
pub async fn export(
    state: &AppState,
    caller: &Caller,
    body: ExportBody,
) -> Result<(Operation, Vec<String>), Problem> {
    let whole_server = body.server_id.is_some();
    let images = match (body.image_ids, body.server_id) {
        (Some(ids), None) => named(state, caller, &ids).await?,
        (None, Some(server)) => all_of(state, caller, server).await?,
        _ => {
            return Err(Problem::field(
                "imageIds",
                "send either the ids of images, or the serverId of a server whose images are all meant",
            ));
        }
    };
    for image in &images {
        caller
            .audit(AuditNote::new("image.export", &image.full_name).on(image.server_id, &image.server_name));
    }
    let stamp = state.now().format("%Y%m%d-%H%M%S").to_string();
    let compression = body.compression.unwrap_or_default();
    let (new, ids) = plan(images, compression, whole_server, &stamp, &caller.actor())?;
    let operation = submit_at(state, caller, new, body.off_peak).await?;
    Ok((operation, ids.iter().map(|id| file_path(id)).collect()))
}

async fn named(state: &AppState, caller: &Caller, ids: &[ImageId]) -> Result<Vec<Image>, Problem> {
    if ids.is_empty() || ids.len() > MOST {
        return Err(Problem::field(
            "imageIds",
            format!("must name 1 to {MOST} images"),
        ));
    }
    let mut images = Vec::with_capacity(ids.len());
    for id in unique(ids) {
        let image = require(state, caller, Verb::ImageExport, id).await?;
        if image.engine_id.is_empty() {
            let sentence = format!("{} is not on {} yet.", image.full_name, image.server_name);
            return Err(Problem::new(ErrorCode::Conflict, sentence));
        }
        images.push(image);
    }
    let servers: Vec<ServerId> = images.iter().map(|image| image.server_id).collect();
    find_servers(state, caller, Verb::ImageExport, &servers, None).await?;
    Ok(images)
}

/// All that the caller may export of a server.
async fn all_of(state: &AppState, caller: &Caller, server: ServerId) -> Result<Vec<Image>, Problem> {
    find_servers(state, caller, Verb::ImageExport, &[server], None).await?;
    let mut images = state.store.images_of_server(server).await?;
    images.retain(|image| {
        caller.may(
            Verb::ImageExport,
            Target::Image(image.server_id, &image.repository),
        )
    });
    if images.is_empty() || images.len() > MOST {
        let sentence = format!("the server must hold 1 to {MOST} images that you may export");
        return Err(Problem::field("serverId", sentence));
    }
    Ok(images)
}
