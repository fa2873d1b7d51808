use axum::extract::State;
use imagefleet_model::{ContainerSpec, ErrorCode, FieldError, Image, ImageId, Operation, ServerId, Verb};
use imagefleet_operations::kinds::create_container::{CreateContainers, find_conflict, plan};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Path, parse_json};
use crate::routes::images;
use crate::routes::operations::{Accepted, submit};
use crate::{AppState, Problem};

/// A container to be created, and where.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewContainer)]
pub struct ContainerBody {
    #[serde(flatten)]
    spec: ContainerSpec,
    /// The servers to create it on; each must hold the same reference. Left out, it is the image's own server.
    #[schema(required = false)]
    server_ids: Vec<ServerId>,
}

impl ContainerBody {
    /// Reads the form on its own, so that a wrong value of it is named by its place. Null counts as left out.
    fn read(mut body: Map<String, Value>) -> Result<Self, Problem> {
        body.retain(|_, value| !value.is_null());
        let server_ids = match body.remove("serverIds") {
            None => Vec::new(),
            Some(ids) => serde_json::from_value(ids)
                .map_err(|_| Problem::field("serverIds", "must be a list of ids of servers"))?,
        };
        let text = serde_json::to_vec(&body)
            .map_err(|error| Problem::new(ErrorCode::InvalidBody, error.to_string()))?;
        Ok(Self {
            spec: parse_json(&text)?,
            server_ids,
        })
    }
}

/// Create a container from an image, on its server or on several that hold the same reference, and start it unless
/// told otherwise. What can be known wrong (a field, a name or port that is taken there) is refused before an engine
/// is asked; what the engine refuses fails the operation and leaves the image `START_FAILED` with the reason.
#[utoipa::path(
    post, path = "/images/{id}/containers", tag = "containers", operation_id = "createContainer",
    params(("id" = i64, Path)), request_body = ContainerBody,
    responses((status = 202, description = "Begun", body = Operation)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ImageId>,
    Json(body): Json<Map<String, Value>>,
) -> Result<Accepted, Problem> {
    let image = images::require(&state, &caller, Verb::ContainerCreate, id).await?;
    let body = ContainerBody::read(body)?;
    let operation = create(&state, &caller, image, body.spec, &body.server_ids, |error| error).await?;
    Ok(Accepted(operation))
}

/// Begins to create containers from an image that the caller may create them from. `renamed` gives a wrong field the
/// name that the surface has for it.
pub async fn create(
    state: &AppState,
    caller: &Caller,
    image: Image,
    spec: ContainerSpec,
    server_ids: &[ServerId],
    renamed: fn(FieldError) -> FieldError,
) -> Result<Operation, Problem> {
    let wrong = |errors: Vec<FieldError>| Problem::fields(errors.into_iter().map(renamed).collect());
    let images = placements(state, caller, image, server_ids).await?;
    for image in &images {
        let note = AuditNote::new("container.create", &spec.name).on(image.server_id, &image.server_name);
        caller.audit(note.detail(format!("from {}", image.full_name)));
    }
    spec.check().map_err(wrong)?;
    if let Some(image) = images.first()
        && let Some(software) = state.store.software_of(image).await?
    {
        spec.check_required(&software.form).map_err(wrong)?;
    }
    let deps = state.operations.deps();
    for image in &images {
        let conflict = find_conflict(deps, &caller.access, image.server_id, &image.server_name, &spec);
        if let Some(conflict) = conflict.await? {
            let message = conflict.failure.message.clone();
            let field = renamed(FieldError::new(conflict.field, message)).field;
            return Err(Problem::from(conflict.failure).with_field(field));
        }
    }
    let new = plan(deps, CreateContainers { images, spec }, &caller.actor())?;
    submit(state, caller, new).await
}

/// The rows of the same reference on these servers, each of which the caller may create containers on.
async fn placements(
    state: &AppState,
    caller: &Caller,
    image: Image,
    server_ids: &[ServerId],
) -> Result<Vec<Image>, Problem> {
    let own = [image.server_id];
    let ids = if server_ids.is_empty() { &own } else { server_ids };
    let repository = Some(image.repository.as_str());
    let servers = images::find_servers(state, caller, Verb::ContainerCreate, ids, repository).await?;
    let mut placements = Vec::with_capacity(servers.len());
    for (id, name) in servers {
        let there = if id == image.server_id {
            Some(image.clone())
        } else {
            state.store.image_by_name(id, &image.full_name).await?
        };
        let there = there.filter(|image| !image.engine_id.is_empty()).ok_or_else(|| {
            Problem::new(
                ErrorCode::ImageNotFound,
                format!("{name} does not hold {}: pull it there first.", image.full_name),
            )
        })?;
        placements.push(there);
    }
    Ok(placements)
}
