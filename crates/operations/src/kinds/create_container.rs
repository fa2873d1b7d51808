//! Containers from images: created, started when asked, and seen to stay up.

mod conflicts;
mod unpublished;
mod watch;

use imagefleet_engine::{ContainerDetail, Engine};
use imagefleet_model::{
    ContainerSpec, ErrorCode, Failure, Image, ImageStatus, OperationKind, Progress, Timestamp,
};
use imagefleet_store::{NewOperation, NewStep, SealedPayload, StepOutcome};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use conflicts::{Conflict, find_conflict};

use super::{Done, sync};
use crate::context::{Deps, StepContext};
use crate::{Actor, containers};

/// Marks a container with the operation that created it: a step that runs again (retried, or after a crash between
/// creating and starting) finds its own and does not take it for somebody else's.
const LABEL: &str = "imagefleet.operation";

/// What to create, and from what.
#[derive(Debug, Clone)]
pub struct CreateContainers {
    /// The same reference on one server or more; at least one.
    pub images: Vec<Image>,
    /// The form, checked already.
    pub spec: ContainerSpec,
}

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    image: String,
    name: String,
    /// Environment and arguments hold passwords.
    spec: SealedPayload,
}

/// What has come of it so far; kept also when the step fails.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    container_id: Option<i64>,
    engine_id: String,
    name: String,
    image: String,
    created: bool,
    started: bool,
    state: Option<String>,
    ports: Vec<imagefleet_model::ContainerPort>,
    exit_code: Option<i64>,
    log: Vec<String>,
    warnings: Vec<String>,
}

/// Plans a step for each server.
pub fn plan(deps: &Deps, create: CreateContainers, actor: &Actor) -> Result<NewOperation, Failure> {
    let CreateContainers { images, spec } = create;
    let title = match images.as_slice() {
        [image] => format!(
            "Create {} from {} on {}",
            spec.name, image.full_name, image.server_name
        ),
        [image, ..] => format!(
            "Create {} from {} on {} servers",
            spec.name,
            image.full_name,
            images.len()
        ),
        [] => {
            return Err(Failure::new(
                ErrorCode::InvalidInput,
                "There is no server to create it on.",
            ));
        }
    };
    let request = json!({
        "imageId": images.first().map(|image| image.id),
        "serverIds": images.iter().map(|image| image.server_id).collect::<Vec<_>>(),
        "name": spec.name,
        "start": spec.start,
    });
    let mut steps = Vec::with_capacity(images.len());
    for image in images {
        if image.engine_id.is_empty() {
            return Err(Failure::new(
                ErrorCode::ImageNotFound,
                format!("{} does not hold {} yet.", image.server_name, image.full_name),
            ));
        }
        let payload = Payload {
            image: if image.tag.is_some() {
                image.full_name
            } else {
                image.engine_id
            },
            name: spec.name.clone(),
            spec: deps.store.seal_payload(&spec)?,
        };
        steps.push(NewStep {
            server_id: image.server_id,
            server_name: image.server_name,
            image_id: Some(image.id),
            repository: Some(image.repository),
            tag: image.tag,
            payload: super::payload(&payload)?,
            exclusive: true,
            bulk: false,
            share_key: None,
        });
    }
    Ok(NewOperation {
        kind: OperationKind::CreateContainer,
        title,
        user_id: actor.user_id,
        created_by: actor.username.clone(),
        request,
        steps,
    })
}

/// Creates the container on one server, starts it when asked, and sees whether it stays up.
pub async fn run(context: &StepContext) -> Result<Done, Failure> {
    let payload: Payload = context.payload()?;
    let spec: ContainerSpec = context.deps.store.open_payload(&payload.spec)?;
    let engine = context.engine().await?;
    let mut made = Made {
        name: payload.name,
        image: payload.image,
        warnings: spec.remarks(),
        ..Made::default()
    };
    // With the host's network nothing is published, which is said already.
    let ports = if spec.network_mode == "host" {
        Vec::new()
    } else {
        spec.ports.clone()
    };
    let outcome = create(context, engine.as_ref(), spec, &mut made).await;
    learn(context, engine.as_ref(), &outcome, &mut made).await;
    if outcome.is_ok() && made.started && made.container_id.is_some() {
        made.warnings
            .extend(unpublished::unpublished(&ports, &made.ports));
    }
    match outcome {
        Ok(()) => Ok(Done {
            message: if made.exit_code == Some(0) {
                format!("{} has run and ended with exit code 0", made.name)
            } else if made.started {
                format!("{} runs", made.name)
            } else {
                format!("Created {}; it was not started", made.name)
            },
            result: super::payload(&made)?,
        }),
        Err(failure) => Err(explained(failure, &made)),
    }
}

async fn create(
    context: &StepContext,
    engine: &dyn Engine,
    mut spec: ContainerSpec,
    made: &mut Made,
) -> Result<(), Failure> {
    let operation = &context.step.operation_id;
    spec.labels.insert(LABEL.to_owned(), operation.clone());
    say(context, 10, &format!("Creating {}", made.name));
    made.engine_id = match engine.create_container(&made.image, None, &spec).await {
        Ok(created) => {
            made.warnings.extend(created.warnings);
            created.id
        }
        Err(failure) if failure.code == ErrorCode::ContainerNameTaken => {
            own(engine, &made.name, operation).await.ok_or(failure)?
        }
        Err(failure) => return Err(failure),
    };
    made.created = true;
    made.state = Some("created".to_owned());
    keep(context, made).await?;
    if !spec.start {
        return Ok(());
    }
    say(context, 50, &format!("Starting {}", made.name));
    let auto_remove = if spec.auto_remove {
        let created = engine.container(&made.engine_id).await?.summary.created_at;
        Some(created.unwrap_or(Timestamp::UNIX_EPOCH))
    } else {
        None
    };
    engine.start_container(&made.engine_id).await?;
    made.started = true;
    say(context, 75, "Waiting whether it stays up");
    let ended = watch::stays_up(engine, &made.engine_id, auto_remove).await?;
    let Some(ended) = ended else { return Ok(()) };
    made.exit_code = ended.exit_code;
    made.log = ended.log;
    // What was asked to do one thing has done it.
    if ended.well {
        return Ok(());
    }
    Err(Failure::new(ErrorCode::ContainerExited, ended.sentence))
}

/// The container of that name, when an earlier run of this operation made it.
async fn own(engine: &dyn Engine, name: &str, operation: &str) -> Option<String> {
    let detail: ContainerDetail = engine.container(name).await.ok()?;
    let same = detail.labels.get(LABEL).is_some_and(|label| label == operation);
    (same && detail.summary.name == name).then_some(detail.summary.id)
}

/// Whatever came of it, what is stored of the server becomes true again, and the step says what is there.
async fn learn(context: &StepContext, engine: &dyn Engine, outcome: &Result<(), Failure>, made: &mut Made) {
    let (deps, server) = (&context.deps, context.server());
    let gone = matches!(outcome, Err(failure) if failure.code == ErrorCode::ImageNotFound);
    let refreshed = if gone {
        sync::refresh(deps, server, engine, &|_| {}).await.map(|_| ())
    } else {
        containers::refresh(deps, server, engine).await
    };
    if let Err(failure) = refreshed {
        // The watcher of the server looks again by itself.
        tracing::warn!(%failure, "the containers could not be read after creating one");
        return;
    }
    if made.created {
        match deps.store.container_by_engine_id(server, &made.engine_id).await {
            Ok(Some(row)) => {
                made.container_id = Some(row.id);
                made.state = Some(row.state);
                made.ports = row.ports;
            }
            Ok(None) => made.state = Some(imagefleet_store::REMOVED.to_owned()),
            Err(error) => tracing::warn!(%error, "the new container could not be read"),
        }
        if let Err(failure) = keep(context, made).await {
            tracing::warn!(%failure, "what was created could not be kept with the step");
        }
    }
}

/// The failure with what is left on the server because of it.
fn explained(mut failure: Failure, made: &Made) -> Failure {
    let there = made.created && made.state.as_deref() != Some(imagefleet_store::REMOVED);
    if there && !made.started {
        failure.message = format!(
            "{} The container {} was created and is not running.",
            sentence(&failure.message),
            made.name
        );
    }
    failure
}

fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

async fn keep(context: &StepContext, made: &Made) -> Result<(), Failure> {
    let result: Value = super::payload(made)?;
    context
        .deps
        .store
        .keep_step_result(context.step.id, &result)
        .await?;
    Ok(())
}

fn say(context: &StepContext, percent: u8, message: &str) {
    context.progress.set(Progress {
        percent,
        message: message.to_owned(),
        ..Progress::default()
    });
}

/// A container that did not start leaves its reason at the image, and one that does takes it away.
pub async fn settled(context: &StepContext, outcome: &StepOutcome) -> Result<(), Failure> {
    let Some(id) = context.step.image_id else {
        return Ok(());
    };
    let store = &context.deps.store;
    let Some(image) = store.image(id).await? else {
        return Ok(());
    };
    match outcome {
        StepOutcome::Failed(error)
            if matches!(image.status, ImageStatus::Available | ImageStatus::StartFailed) =>
        {
            store
                .set_image_status(id, ImageStatus::StartFailed, Some(error))
                .await?;
        }
        StepOutcome::Succeeded(_, result) if result["started"] == true => {
            return started(&context.deps, &image).await;
        }
        _ => return Ok(()),
    }
    context.deps.changed(crate::Change::Images(image.server_id));
    Ok(())
}

/// A container made from the image runs: that an earlier one did not start is history.
pub async fn started(deps: &Deps, image: &Image) -> Result<(), Failure> {
    if image.status == ImageStatus::StartFailed {
        deps.store
            .set_image_status(image.id, ImageStatus::Available, None)
            .await?;
        deps.changed(crate::Change::Images(image.server_id));
    }
    Ok(())
}
