use futures_util::TryStreamExt as _;
use imagefleet_model::{Failure, Image, ImageRef, OperationKind};
use imagefleet_store::NewOperation;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Done, OnImage, sync};
use crate::context::StepContext;
use crate::{Actor, credentials};

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    source: String,
    reference: String,
    registry_id: Option<i64>,
}

/// Plans to push an image under `reference`, which it is given first when it has it not yet.
pub fn plan(
    image: &Image,
    reference: &ImageRef,
    registry_id: Option<i64>,
    actor: &Actor,
) -> Result<NewOperation, Failure> {
    OnImage {
        kind: OperationKind::PushImage,
        title: format!("Push {reference} from {}", image.server_name),
        image,
        reference,
        request: json!({ "imageId": image.id, "reference": reference.to_string(), "registryId": registry_id }),
        payload: Payload {
            source: image.engine_id.clone(),
            reference: reference.to_string(),
            registry_id,
        },
        bulk: true,
    }
    .plan(actor)
}

/// Pushes.
pub async fn run(context: &StepContext) -> Result<Done, Failure> {
    let payload: Payload = context.payload()?;
    let reference = super::reference(&payload.reference)?;
    let auth = credentials::for_reference(&context.deps.store, &reference, payload.registry_id).await?;
    let engine = context.engine().await?;
    context.progress.say(format!("Pushing {reference}"));
    engine.tag(&payload.source, &payload.reference).await?;
    let mut updates = engine.push(&payload.reference, auth).await?;
    let mut digest = None;
    while let Some(update) = updates.try_next().await? {
        digest = update.digest.clone().or(digest);
        context.progress.transfer(update);
    }
    context.progress.layers_done();
    // The server may hold the image under one more name now. The push is done, whatever becomes of this look.
    if let Err(failure) = sync::refresh(&context.deps, context.server(), engine.as_ref(), &|_| {}).await {
        tracing::warn!(%failure, "the server could not be looked at after the push");
    }
    Ok(Done {
        message: format!("Pushed {reference}"),
        result: json!({ "fullName": payload.reference, "digest": digest }),
    })
}
