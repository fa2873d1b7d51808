use imagefleet_engine::Removed;
use imagefleet_model::{ErrorCode, Failure, Image, ImageId, ImageStatus, OperationKind};
use imagefleet_store::{NewOperation, NewStep, StepOutcome};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Done, sync};
use crate::Actor;
use crate::context::{Deps, StepContext};

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    full_name: String,
    engine_id: String,
    tagged: bool,
    force: bool,
}

/// Marks the images as being deleted and plans a step for each.
pub async fn plan(
    deps: &Deps,
    images: Vec<Image>,
    force: bool,
    actor: &Actor,
) -> Result<NewOperation, Failure> {
    let title = match images.as_slice() {
        [image] => format!("Delete {} from {}", image.full_name, image.server_name),
        images => format!("Delete {} images", images.len()),
    };
    let request =
        json!({ "imageIds": images.iter().map(|image| image.id).collect::<Vec<_>>(), "force": force });
    let mut steps = Vec::with_capacity(images.len());
    for image in images {
        deps.store
            .set_image_status(image.id, ImageStatus::Deleting, None)
            .await?;
        let payload = Payload {
            full_name: image.full_name,
            engine_id: image.engine_id,
            tagged: image.tag.is_some(),
            force,
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
        kind: OperationKind::DeleteImage,
        title,
        user_id: actor.user_id,
        created_by: actor.username.clone(),
        request,
        steps,
    })
}

/// Deletes one image; the row goes only when the engine says that the image is gone.
pub async fn run(context: &StepContext) -> Result<Done, Failure> {
    let payload: Payload = context.payload()?;
    let Some(image) = context.step.image_id else {
        return Err(Failure::new(ErrorCode::Internal, "The step names no image."));
    };
    let store = &context.deps.store;
    store.set_image_status(image, ImageStatus::Deleting, None).await?;
    context.progress.say(format!("Deleting {}", payload.full_name));
    let removed = remove(context, &payload, image).await?;
    store.remove_image_row(image).await?;
    if removed.is_some() {
        look(context).await?;
    }
    context.deps.changed(crate::Change::Images(context.server()));
    let (mut untagged, mut deleted) = (Vec::new(), Vec::new());
    for line in removed.iter().flatten() {
        match line {
            Removed::Untagged(name) => untagged.push(name),
            Removed::Deleted(id) => deleted.push(id),
        }
    }
    let message = if removed.is_none() {
        format!(
            "Removed {} from the list; the server could not be asked, and is not known to hold it",
            payload.full_name
        )
    } else if deleted.is_empty() && !untagged.is_empty() {
        format!(
            "Removed the name {}; its content stays, because another name or a container holds it",
            payload.full_name
        )
    } else {
        format!("Deleted {}", payload.full_name)
    };
    Ok(Done {
        message,
        result: json!({ "fullName": payload.full_name, "untagged": untagged, "deleted": deleted }),
    })
}

/// What the engine has removed. It knows what there is: a pull may have brought content since the delete was planned. `None` when it could
/// not be asked and no pull has left more than the row: what has come after all is seen when the server is there again.
async fn remove(
    context: &StepContext,
    payload: &Payload,
    image: ImageId,
) -> Result<Option<Vec<Removed>>, Failure> {
    let nameless = payload.engine_id.is_empty();
    let name = if payload.tagged || nameless {
        &payload.full_name
    } else {
        &payload.engine_id
    };
    let removing = async { context.engine().await?.remove_image(name, payload.force).await };
    match removing.await {
        Ok(removed) => Ok(Some(removed)),
        // Gone already: what was asked for is true.
        Err(failure) if failure.code == ErrorCode::ImageNotFound => Ok(Some(Vec::new())),
        Err(failure) if nameless && cannot_be_asked(&failure) => {
            match context.deps.store.image(image).await? {
                Some(image) if !image.engine_id.is_empty() => Err(failure),
                _ => Ok(None),
            }
        }
        Err(failure) => Err(failure),
    }
}

/// The image is gone, whether its server answers now or not.
async fn look(context: &StepContext) -> Result<(), Failure> {
    let looking = async {
        let engine = context.engine().await?;
        sync::refresh(&context.deps, context.server(), engine.as_ref(), &|_| {}).await
    };
    match looking.await {
        Err(failure) if !cannot_be_asked(&failure) => Err(failure),
        _ => Ok(()),
    }
}

const fn cannot_be_asked(failure: &Failure) -> bool {
    matches!(
        failure.code,
        ErrorCode::ServerDisabled
            | ErrorCode::EngineUnreachable
            | ErrorCode::EngineTimeout
            | ErrorCode::EngineDisconnected
            | ErrorCode::NotAnEngine
            | ErrorCode::ApiVersionUnsupported
            | ErrorCode::TlsFailed
            | ErrorCode::SshAuthFailed
            | ErrorCode::SshHostKeyChanged
    )
}

/// A delete that did not succeed leaves its reason at the image, which the engine still holds.
pub async fn settled(context: &StepContext, outcome: &StepOutcome) -> Result<(), Failure> {
    let Some(image) = context.step.image_id else {
        return Ok(());
    };
    let store = &context.deps.store;
    match outcome {
        StepOutcome::Failed(error) => {
            store
                .set_image_status(image, ImageStatus::DeleteFailed, Some(error))
                .await?;
        }
        StepOutcome::Cancelled | StepOutcome::Interrupted => {
            store
                .set_image_status(image, ImageStatus::Available, None)
                .await?;
        }
        StepOutcome::Succeeded(..) | StepOutcome::Again(..) | StepOutcome::HandedOver => return Ok(()),
    }
    context.deps.changed(crate::Change::Images(context.server()));
    Ok(())
}
