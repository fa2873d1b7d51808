use futures_util::TryStreamExt as _;
use imagefleet_engine::PullRequest;
use imagefleet_model::{ErrorCode, Failure, ImageRef, OperationKind, Platform, ServerId};
use imagefleet_store::{NewOperation, NewStep, StepOutcome};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Done, sync};
use crate::context::{Deps, StepContext};
use crate::{Actor, credentials};

/// What to pull, and where to; checked already.
#[derive(Debug, Clone)]
pub struct PullImages {
    /// With a tag or a digest.
    pub reference: ImageRef,
    /// At least one, each once.
    pub servers: Vec<(ServerId, String)>,
    /// The registry whose account to use; by the longest matching namespace when `None`.
    pub registry_id: Option<i64>,
    /// The engine's own when `None`.
    pub platform: Option<Platform>,
    /// The catalogue entry that it is said to be; by its repository when `None`.
    pub software_id: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    reference: String,
    registry_id: Option<i64>,
    platform: Option<String>,
    software_id: Option<i64>,
}

/// Marks the image rows as being pulled and plans a step for each server.
pub async fn plan(deps: &Deps, pull: PullImages, actor: &Actor) -> Result<NewOperation, Failure> {
    let reference = pull.reference.to_string();
    let platform = pull.platform.as_ref().map(ToString::to_string);
    let payload = super::payload(&Payload {
        reference: reference.clone(),
        registry_id: pull.registry_id,
        platform: platform.clone(),
        software_id: pull.software_id,
    })?;
    let mut steps = Vec::with_capacity(pull.servers.len());
    for (server_id, server_name) in &pull.servers {
        let image = deps
            .store
            .begin_pull(*server_id, &pull.reference, pull.software_id)
            .await?;
        steps.push(NewStep {
            server_id: *server_id,
            server_name: server_name.clone(),
            image_id: Some(image.id),
            repository: Some(pull.reference.repository()),
            tag: pull.reference.tag().map(ToOwned::to_owned),
            payload: payload.clone(),
            exclusive: true,
            bulk: false,
            share_key: Some(format!(
                "pull {reference} {} {}",
                platform.as_deref().unwrap_or("-"),
                pull.registry_id.unwrap_or_default()
            )),
        });
    }
    let where_to = match pull.servers.as_slice() {
        [(_, name)] => name.clone(),
        servers => format!("{} servers", servers.len()),
    };
    Ok(NewOperation {
        kind: OperationKind::PullImage,
        title: format!("Pull {reference} to {where_to}"),
        user_id: actor.user_id,
        created_by: actor.username.clone(),
        request: json!({
            "reference": reference,
            "serverIds": pull.servers.iter().map(|(id, _)| id).collect::<Vec<_>>(),
            "registryId": pull.registry_id,
            "platform": platform,
            "softwareId": pull.software_id,
        }),
        steps,
    })
}

/// Pulls to one server.
pub async fn run(context: &StepContext) -> Result<Done, Failure> {
    let payload: Payload = context.payload()?;
    let reference = super::reference(&payload.reference)?;
    let store = &context.deps.store;
    let image = store
        .begin_pull(context.server(), &reference, payload.software_id)
        .await?;
    // The row it was planned with is gone when a cancelled pull, or one whose row was deleted, is tried again.
    if context.step.image_id != Some(image.id) {
        store.set_step_image(context.step.id, image.id).await?;
    }
    let auth = credentials::for_reference(store, &reference, payload.registry_id).await?;
    let engine = context.engine().await?;
    context.progress.say(format!("Asking the engine for {reference}"));
    let request = PullRequest {
        reference: payload.reference,
        platform: payload.platform,
        auth,
    };
    let mut updates = engine.pull(request).await?;
    let mut digest = None;
    while let Some(update) = updates.try_next().await? {
        digest = update.digest.clone().or(digest);
        context.progress.transfer(update);
    }
    context.progress.layers_done();
    context.progress.say("Reading the server's images");
    sync::refresh(&context.deps, context.server(), engine.as_ref(), &|_| {}).await?;
    // By digest the engine gives no name: its id tells which of its images it is. One that is gone again is told of nobody.
    let content = match reference.digest() {
        Some(_) => engine.image(&reference.to_string()).await.ok(),
        None => None,
    };
    let content = content.as_ref().map(|image| image.id.as_str());
    let image = match store.end_pull(image.id, content).await? {
        Some(id) => store.image(id).await?,
        None => None,
    };
    Ok(Done {
        message: format!("Pulled {reference}"),
        result: json!({
            "imageId": image.as_ref().map(|image| image.id),
            "fullName": reference.to_string(),
            "digest": digest.or_else(|| image.and_then(|image| image.digest)),
        }),
    })
}

/// A pull that did not succeed leaves its reason at the image; a cancelled one leaves what was there before.
pub async fn settled(context: &StepContext, outcome: &StepOutcome) -> Result<(), Failure> {
    let store = &context.deps.store;
    let payload: Payload = context.payload()?;
    let reference = super::reference(&payload.reference)?.to_string();
    let Some(image) = store.image_by_name(context.server(), &reference).await? else {
        return Ok(());
    };
    let image = image.id;
    match outcome {
        StepOutcome::Failed(error) => store.pull_failed(image, error).await?,
        StepOutcome::Interrupted => {
            let failure = Failure::new(
                ErrorCode::Interrupted,
                "The program ended in the middle of the pull.",
            );
            store.pull_failed(image, &failure.info()).await?;
        }
        StepOutcome::Cancelled => {
            store.end_pull(image, None).await?;
        }
        StepOutcome::Succeeded(..) | StepOutcome::Again(..) | StepOutcome::HandedOver => return Ok(()),
    }
    context.deps.changed(crate::Change::Images(context.server()));
    Ok(())
}
