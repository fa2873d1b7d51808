use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use imagefleet_model::{ErrorCode, ImageRef};
use serde::{Deserialize, Serialize};

use super::Envelope;
use super::fields::Fields;
use super::image::ImageView;
use crate::extract::Caller;
use crate::routes::images::pull::{PullBody, pull};
use crate::{AppState, Problem};

/// What to pull; each field may stand in the query or in the body, and the body's wins.
#[derive(Debug, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "it describes the body; the fields are read from query and body together"
)]
pub struct MonitorPullBody {
    /// 软件ID: the catalogue entry that it is; its repository and tag are pulled when no name is given.
    soft_id: Option<i64>,
    /// 服务器ID; required, here or there.
    server_id: Option<i64>,
    /// 镜像名称
    image_name: Option<String>,
    /// 镜像标签, `latest` when left out.
    image_tag: Option<String>,
    /// 完整镜像名; wins over name and tag.
    full_image_name: Option<String>,
    /// The registry account to pull with.
    registry_id: Option<i64>,
    /// `os/arch[/variant]`.
    platform: Option<String>,
}

/// The row that shows the pull, and the operation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MonitorPulling)]
pub struct Pulling {
    /// The image, `PULLING`.
    #[serde(flatten)]
    image: ImageView,
    /// The operation.
    operation_id: String,
}

/// 拉取镜像: pull an image to a server.
#[utoipa::path(
    post, path = "/pull", tag = "monitor", operation_id = "monitorPullImage",
    params(MonitorPullBody), request_body = Option<MonitorPullBody>,
    responses((status = 200, description = "Begun", body = Envelope<Pulling>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Envelope<Pulling>, Problem> {
    let fields = Fields::of_request(query.as_deref(), &headers, &body)?;
    let server = fields
        .id("serverId")?
        .ok_or_else(|| Problem::field("serverId", "is required"))?;
    let reference = reference(&state, &fields).await?;
    let body = PullBody {
        reference: Some(reference.to_string()),
        server_ids: vec![server],
        registry_id: fields.id("registryId")?,
        platform: fields.text("platform"),
        software_id: fields.id("softId")?,
        off_peak: None,
    };
    let operation = pull(&state, &caller, body).await?;
    // By the step, not by the name: an account's registry is part of the name that is pulled.
    let image = match operation.steps.first().and_then(|step| step.image_id) {
        Some(id) => state.store.image(id).await?,
        None => None,
    };
    let image =
        image.ok_or_else(|| Problem::new(ErrorCode::ImageNotFound, "The image's row is gone already."))?;
    Ok(Envelope::ok(Pulling {
        image: image.into(),
        operation_id: operation.id,
    }))
}

/// The full name, else name and tag, else what the catalogue entry names.
async fn reference(state: &AppState, fields: &Fields) -> Result<ImageRef, Problem> {
    let (field, name) = if let Some(full) = fields.text("fullImageName") {
        return parse("fullImageName", &full).map(ImageRef::with_default_tag);
    } else if let Some(name) = fields.text("imageName") {
        ("imageName", name)
    } else if let Some(id) = fields.id("softId")? {
        let software = state.store.software(id).await?;
        let tag = fields.text("imageTag").unwrap_or(software.default_tag);
        return parse("softId", &format!("{}:{tag}", software.repository));
    } else {
        return Err(Problem::field(
            "imageName",
            "is required, or fullImageName, or softId",
        ));
    };
    let reference = parse(field, &name)?;
    match fields.text("imageTag") {
        Some(tag) if reference.digest().is_none() => reference.with_tag(&tag).map_err(|error| {
            Problem::new(ErrorCode::InvalidReference, error.to_string()).with_field("imageTag")
        }),
        _ => Ok(reference.with_default_tag()),
    }
}

fn parse(field: &str, text: &str) -> Result<ImageRef, Problem> {
    ImageRef::parse(text)
        .map_err(|error| Problem::new(ErrorCode::InvalidReference, error.to_string()).with_field(field))
}
