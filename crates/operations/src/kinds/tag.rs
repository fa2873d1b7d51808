use imagefleet_model::{ErrorCode, Failure, Image, ImageRef, OperationKind};
use imagefleet_store::{NewOperation, NewStep};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Done, sync};
use crate::Actor;
use crate::context::StepContext;

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    source: String,
    reference: String,
    force: bool,
}

/// Plans to give an image one more reference.
pub fn plan(
    image: &Image,
    reference: &ImageRef,
    force: bool,
    actor: &Actor,
) -> Result<NewOperation, Failure> {
    let payload = Payload {
        source: image.engine_id.clone(),
        reference: reference.to_string(),
        force,
    };
    Ok(NewOperation {
        kind: OperationKind::TagImage,
        title: format!("Tag {} as {reference} on {}", image.full_name, image.server_name),
        user_id: actor.user_id,
        created_by: actor.username.clone(),
        request: json!({ "imageId": image.id, "reference": reference.to_string(), "force": force,
                         "also": [(image.server_id, &image.repository)] }),
        steps: vec![NewStep {
            server_id: image.server_id,
            server_name: image.server_name.clone(),
            image_id: Some(image.id),
            repository: Some(reference.repository()),
            tag: reference.tag().map(ToOwned::to_owned),
            payload: super::payload(&payload)?,
            exclusive: true,
            bulk: false,
            share_key: None,
        }],
    })
}

/// Tags; a reference that means other content is taken over only with force.
pub async fn run(context: &StepContext) -> Result<Done, Failure> {
    let payload: Payload = context.payload()?;
    let engine = context.engine().await?;
    match engine.image(&payload.reference).await {
        Ok(there) if there.id != payload.source && !payload.force => {
            return Err(Failure::new(
                ErrorCode::Conflict,
                format!(
                    "{} names other content on this server; tag with force to take it over.",
                    payload.reference
                ),
            ));
        }
        Ok(_) => {}
        Err(failure) if failure.code == ErrorCode::ImageNotFound => {}
        Err(failure) => return Err(failure),
    }
    engine.tag(&payload.source, &payload.reference).await?;
    sync::refresh(&context.deps, context.server(), engine.as_ref(), &|_| {}).await?;
    let image = context
        .deps
        .store
        .image_by_name(context.server(), &payload.reference)
        .await?;
    Ok(Done {
        message: format!("Tagged {}", payload.reference),
        result: json!({ "fullName": payload.reference, "imageId": image.map(|image| image.id) }),
    })
}
