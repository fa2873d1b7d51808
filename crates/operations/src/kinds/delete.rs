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
    // A failed first pull left only the row.
    let engine = match payload.engine_id.as_str() {
        "" => None,
        _ => Some(context.engine().await?),
    };
    let mut removed = Vec::new();
    if let Some(engine) = &engine {
        context.progress.say(format!("Deleting {}", payload.full_name));
        let name = if payload.tagged {
            &payload.full_name
        } else {
            &payload.engine_id
        };
        removed = match engine.remove_image(name, payload.force).await {
            Ok(removed) => removed,
            // Gone already: what was asked for is true.
            Err(failure) if failure.code == ErrorCode::ImageNotFound => Vec::new(),
            Err(failure) => return Err(failure),
        };
    }
    store.remove_image_row(image).await?;
    if let Some(engine) = &engine {
        sync::refresh(&context.deps, context.server(), engine.as_ref(), &|_| {}).await?;
    }
    context.deps.changed(crate::Change::Images(context.server()));
    let (mut untagged, mut deleted) = (Vec::new(), Vec::new());
    for line in removed {
        match line {
            imagefleet_engine::Removed::Untagged(name) => untagged.push(name),
            imagefleet_engine::Removed::Deleted(id) => deleted.push(id),
        }
    }
    let message = if deleted.is_empty() && !untagged.is_empty() {
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
