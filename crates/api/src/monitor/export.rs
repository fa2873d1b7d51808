use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use imagefleet_archive::Compression;
use imagefleet_model::ErrorCode;
use serde::{Deserialize, Serialize};

use super::Envelope;
use super::fields::Fields;
use crate::extract::Caller;
use crate::routes::images::export::{ExportBody, export};
use crate::{AppState, Problem};

/// An export that has begun.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MonitorExporting)]
pub struct Begun {
    operation_id: String,
    /// Where the file can be fetched when the operation has ended.
    file_path: String,
    /// All of them: images of several servers are several files.
    file_paths: Vec<String>,
}

/// What to export; the same names may stand in the query.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "it describes the body; the fields are read from query and body together"
)]
pub struct MonitorExportBody {
    /// One image,
    image_id: Option<i64>,
    /// or several,
    image_ids: Option<Vec<i64>>,
    /// on this server; alone, all of its images.
    server_id: Option<i64>,
    /// `none`, `gzip` or `zstd`.
    compression: Option<String>,
}

/// 导出镜像: `{imageId, serverId}`, `{imageIds}`, or `{serverId}` alone for all of it.
#[utoipa::path(
    post, path = "/export", tag = "monitor", operation_id = "monitorExportImages", request_body = MonitorExportBody,
    responses((status = 200, description = "Begun", body = Envelope<Begun>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Envelope<Begun>, Problem> {
    let fields = Fields::of_request(query.as_deref(), &headers, &body)?;
    let server = fields.id("serverId")?;
    let mut images = fields.ids("imageIds")?;
    // Nothing selected must not become everything.
    if images.is_empty() && fields.is_list("imageIds") {
        return Err(Problem::field(
            "imageIds",
            "must name at least one image; without it, all of the server's are exported",
        ));
    }
    images.extend(fields.id("imageId")?);
    if let Some(server) = server {
        for id in &images {
            let image = state.store.image(*id).await?;
            if image.is_some_and(|image| image.server_id != server) {
                let sentence = format!("The image {id} is not on the server {server}.");
                return Err(Problem::new(ErrorCode::ImageNotFound, sentence));
            }
        }
    }
    let compression = match fields.text("compression").as_deref() {
        None | Some("none") => Compression::None,
        Some("gzip") => Compression::Gzip,
        Some("zstd") => Compression::Zstd,
        Some(_) => return Err(Problem::field("compression", "must be none, gzip or zstd")),
    };
    let whole = images.is_empty();
    let body = ExportBody {
        image_ids: (!whole).then_some(images),
        server_id: server.filter(|_| whole),
        compression: Some(compression),
        off_peak: None,
    };
    let (operation, file_paths) = export(&state, &caller, body).await?;
    Ok(Envelope::ok(Begun {
        operation_id: operation.id,
        file_path: file_paths.first().cloned().unwrap_or_default(),
        file_paths,
    }))
}
