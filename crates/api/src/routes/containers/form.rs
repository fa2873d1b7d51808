mod prefill;

use axum::extract::State;
use imagefleet_model::{ContainerSpec, ErrorCode, ImageId, Verb};
use serde::Serialize;

use crate::extract::{Caller, Json, Path};
use crate::routes::images;
use crate::{AppState, Problem};

/// A container form, filled from the image itself and from the catalogue.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContainerForm)]
pub struct FormView {
    /// The image row.
    image_id: ImageId,
    /// Its reference.
    full_name: String,
    /// Its server.
    server_id: i64,
    /// That server's name.
    server_name: String,
    /// What `POST /images/{id}/containers` would take as it is, once required values are filled in.
    spec: ContainerSpec,
    /// The variables of `spec.env` and those to ask for, with what is known of them.
    env: Vec<FormEnv>,
    /// What the image runs when `spec.command` stays empty.
    image_command: Vec<String>,
    /// What the image runs when `spec.entrypoint` is left out.
    image_entrypoint: Vec<String>,
    /// The image's health check, for people.
    healthcheck: Option<String>,
    /// The catalogue entry that helped to fill it.
    software: Option<FormSoftware>,
    /// What could not be filled in as the image or the catalogue would have it.
    remarks: Vec<String>,
}

/// A variable of the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContainerFormEnv)]
pub struct FormEnv {
    /// Its name.
    name: String,
    /// Its value so far.
    value: String,
    /// An empty value is refused.
    required: bool,
    /// Hide what is typed, and offer a generated value.
    secret: bool,
    /// Others; one that has a value makes this one unnecessary.
    unless: Vec<String>,
    /// What it is for, in English.
    description: String,
    /// The same in Chinese.
    description_zh: String,
    /// Where it comes from.
    from: FormSource,
}

/// Where a variable of the form comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ContainerFormSource)]
pub enum FormSource {
    /// The image sets it.
    Image,
    /// The catalogue knows it.
    Software,
}

/// The catalogue entry behind a form.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContainerFormSoftware)]
pub struct FormSoftware {
    /// Row id.
    id: i64,
    /// Its name.
    name: String,
    /// Its icon.
    icon: String,
    /// How to see that it is well, in English.
    health_hint: String,
    /// The same in Chinese.
    health_hint_zh: String,
}

/// The form for a container from this image: what the image exposes, wants mounted and sets, what the catalogue knows
/// of its repository, and a name and host ports that are free on its server.
#[utoipa::path(
    get, path = "/images/{id}/container-form", tag = "containers", operation_id = "readContainerForm",
    params(("id" = i64, Path)),
    responses((status = 200, description = "The form", body = FormView)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ImageId>,
) -> Result<Json<FormView>, Problem> {
    let image = images::require(&state, &caller, Verb::ContainerCreate, id).await?;
    if image.engine_id.is_empty() {
        let sentence = format!("{} does not hold {} yet.", image.server_name, image.full_name);
        return Err(Problem::new(ErrorCode::ImageNotFound, sentence));
    }
    let engine = state.operations.deps().engines.engine(image.server_id).await?;
    let config = engine.image(&image.engine_id).await?.config;
    let software = state.store.software_of(&image).await?;
    let others = state.store.containers_of_server(image.server_id).await?;
    let filled = prefill::prefill(
        &image,
        &config,
        software.as_ref().map(|entry| &entry.form),
        &others,
    );
    Ok(Json(FormView {
        image_id: image.id,
        full_name: image.full_name,
        server_id: image.server_id,
        server_name: image.server_name,
        spec: filled.spec,
        env: filled.env,
        image_command: config.command,
        image_entrypoint: config.entrypoint,
        healthcheck: config.healthcheck,
        software: software.map(|entry| FormSoftware {
            id: entry.id,
            name: entry.name,
            icon: entry.icon,
            health_hint: entry.form.health_hint,
            health_hint_zh: entry.form.health_hint_zh,
        }),
        remarks: filled.remarks,
    }))
}
