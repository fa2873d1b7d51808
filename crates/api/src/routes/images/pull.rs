use axum::extract::State;
use imagefleet_model::{ErrorCode, ImageRef, Operation, Platform, ServerId, Verb};
use imagefleet_operations::credentials;
use imagefleet_operations::kinds::pull::{PullImages, plan};
use serde::Deserialize;

use super::find_servers;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json};
use crate::routes::operations::{Accepted, submit_at};
use crate::{AppState, Problem};

/// What to pull, and where.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullBody {
    /// `nginx`, `nginx:1.27`, `registry.example.com:5000/team/app@sha256:…`; without tag and digest it is `latest`.
    #[schema(example = "nginx:1.27")]
    #[serde(default)]
    pub reference: Option<String>,
    /// The servers to pull to.
    pub server_ids: Vec<ServerId>,
    /// The registry account to pull with; left out, the one whose namespace matches best, if any.
    pub registry_id: Option<i64>,
    /// `os/arch[/variant]`; left out, the engine's own.
    #[schema(example = "linux/arm64")]
    pub platform: Option<String>,
    /// The catalogue entry that it is: images of this reference belong to it from now on, also those from an own registry or a
    /// mirror. Without a reference, what the entry names is pulled. Left out, images belong to the entry of their repository.
    pub software_id: Option<i64>,
    /// Whether it waits for the off-peak window of its servers; left out, at once.
    #[serde(default)]
    pub off_peak: Option<bool>,
}

/// Pull an image to one or more servers. A pull of the same reference that runs there already is shared.
#[utoipa::path(
    post, path = "/images/pull", tag = "images", operation_id = "pullImage", request_body = PullBody,
    responses((status = 202, description = "Begun", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<PullBody>,
) -> Result<Accepted, Problem> {
    pull(&state, &caller, body).await.map(Accepted)
}

/// Begins a pull.
pub async fn pull(state: &AppState, caller: &Caller, body: PullBody) -> Result<Operation, Problem> {
    let reference = reference(state, &body).await?;
    let platform = match body.platform.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => Some(Platform::parse(text).ok_or_else(|| {
            Problem::field(
                "platform",
                "must be os/arch or os/arch/variant, such as linux/amd64",
            )
        })?),
        None => None,
    };
    let reference = credentials::in_registry(&state.store, reference, body.registry_id).await?;
    let repository = reference.repository();
    let servers = find_servers(
        state,
        caller,
        Verb::ImagePull,
        &body.server_ids,
        Some(&repository),
    )
    .await?;
    for (id, name) in &servers {
        caller.audit(AuditNote::new("image.pull", reference.to_string()).on(*id, name));
    }
    let pull = PullImages {
        reference,
        servers,
        registry_id: body.registry_id,
        platform,
        software_id: body.software_id,
    };
    let new = plan(state.operations.deps(), pull, &caller.actor()).await?;
    submit_at(state, caller, new, body.off_peak).await
}

async fn reference(state: &AppState, body: &PullBody) -> Result<ImageRef, Problem> {
    let software = match body.software_id {
        Some(id) => Some(state.store.software(id).await?),
        None => None,
    };
    let text = match (&body.reference, software) {
        (Some(text), _) => text.trim().to_owned(),
        (None, Some(software)) => format!("{}:{}", software.repository, software.default_tag),
        (None, None) => return Err(Problem::field("reference", "is required, or softwareId")),
    };
    ImageRef::parse(&text)
        .map(ImageRef::with_default_tag)
        .map_err(|error| Problem::new(ErrorCode::InvalidReference, error.to_string()).with_field("reference"))
}
