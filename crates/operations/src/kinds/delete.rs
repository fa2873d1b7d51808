use imagefleet_engine::Removed;
use imagefleet_model::{ErrorCode, Failure, Image, ImageStatus, OperationKind};
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
    // A failed first pull left only the row.
    let held = store
        .image(image)
        .await?
        .is_some_and(|image| !image.engine_id.is_empty());
    let mut asked = true;
    let removed = match remove(context, &payload).await {
        Ok(removed) => removed,
        // Gone already: what was asked for is true.
        Err(failure) if failure.code == ErrorCode::ImageNotFound => Vec::new(),
        // What has come after all is seen when the server is there again.
        Err(failure) if !held && payload.engine_id.is_empty() && cannot_be_asked(&failure) => {
            asked = false;
            Vec::new()
        }
        Err(failure) => return Err(failure),
    };
    store.remove_image_row(image).await?;
    let look = async {
        let engine = context.engine().await?;
        sync::refresh(&context.deps, context.server(), engine.as_ref(), &|_| {}).await
    };
    match look.await {
        Err(failure) if !cannot_be_asked(&failure) => return Err(failure),
        _ => {}
    }
    context.deps.changed(crate::Change::Images(context.server()));
    let (mut untagged, mut deleted) = (Vec::new(), Vec::new());
    for line in removed {
        match line {
            Removed::Untagged(name) => untagged.push(name),
            Removed::Deleted(id) => deleted.push(id),
        }
    }
    let message = if !asked {
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

/// The engine knows what there is: a pull may have brought content since the delete was planned.
async fn remove(context: &StepContext, payload: &Payload) -> Result<Vec<Removed>, Failure> {
    let name = if payload.tagged || payload.engine_id.is_empty() {
        &payload.full_name
    } else {
        &payload.engine_id
    };
    let engine = context.engine().await?;
    engine.remove_image(name, payload.force).await
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
