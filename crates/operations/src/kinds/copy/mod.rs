//! From one server to many, without a registry and without a file in between: the source is read once, and each target
//! is sent what it lacks.

mod gather;
mod held;
mod preview;

use imagefleet_archive::{CopyFigures, SourceImage, TargetPlan, into_body};
use imagefleet_engine::{Engine, ImageDetail};
use imagefleet_model::{ErrorCode, Failure, Image, OperationKind, ServerId};
use imagefleet_store::{NewOperation, NewStep};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use gather::Gatherings;
pub use held::held_by;
pub use preview::{Preview, Source};

use super::import::{Loading, load};
use super::{Done, sync};
use crate::Actor;
use crate::context::StepContext;

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    source_server_id: ServerId,
    source_server_name: String,
    full_name: String,
    engine_id: String,
    size: u64,
    targets: usize,
}

/// Plans a step for each target.
pub fn plan(image: &Image, targets: Vec<(ServerId, String)>, actor: &Actor) -> Result<NewOperation, Failure> {
    let payload = super::payload(&Payload {
        source_server_id: image.server_id,
        source_server_name: image.server_name.clone(),
        full_name: image.full_name.clone(),
        engine_id: image.engine_id.clone(),
        size: image.size,
        targets: targets.len(),
    })?;
    let where_to = match targets.as_slice() {
        [(_, name)] => name.clone(),
        targets => format!("{} servers", targets.len()),
    };
    Ok(NewOperation {
        kind: OperationKind::CopyImage,
        title: format!(
            "Copy {} from {} to {where_to}",
            image.full_name, image.server_name
        ),
        user_id: actor.user_id,
        created_by: actor.username.clone(),
        request: json!({ "imageId": image.id, "serverIds": targets.iter().map(|(id, _)| id).collect::<Vec<_>>(),
                         "also": [(image.server_id, &image.repository)] }),
        steps: targets
            .into_iter()
            .map(|(server_id, server_name)| NewStep {
                server_id,
                server_name,
                image_id: Some(image.id),
                repository: Some(image.repository.clone()),
                tag: image.tag.clone(),
                payload: payload.clone(),
                exclusive: true,
                bulk: true,
                share_key: None,
            })
            .collect(),
    })
}

/// Copies to one target.
pub async fn run(context: &StepContext) -> Result<Done, Failure> {
    let payload: Payload = context.payload()?;
    let source = context.deps.engines.engine(payload.source_server_id).await?;
    let target = context.engine().await?;
    context.progress.say("Comparing the layers");
    let (from, info) = tokio::try_join!(source.image(&payload.full_name), target.info())?;
    if let Ok(there) = target.image(&payload.full_name).await
        && same_content(&from, &there)
    {
        sync::refresh(&context.deps, context.server(), target.as_ref(), &|_| {}).await?;
        return Ok(done(
            &payload,
            &figures_of_nothing(&from),
            "The server holds it already",
        ));
    }
    let held = held_by(target.as_ref(), info.image_store, &from).await?;
    let guessed = !held.blobs.is_empty();
    let whole = TargetPlan {
        platform: Some(info.platform),
        ..TargetPlan::whole(Some(info.image_store))
    };
    let plan = TargetPlan {
        held,
        ..whole.clone()
    };
    let sent = send(context, &payload, &source, &target, &from, plan).await;
    let mut there = after(target.as_ref(), &payload, &sent).await?;
    let figures = if guessed && !is_whole(there.as_ref()) {
        tracing::info!("the server lacks layers that its images name; sending all of them");
        let figures = send(context, &payload, &source, &target, &from, whole).await?;
        there = Some(target.image(&payload.full_name).await?);
        figures
    } else {
        sent?
    };
    let same = there.as_ref().is_some_and(|there| same_content(&from, there));
    if !same || !is_whole(there.as_ref()) {
        return Err(Failure::new(
            ErrorCode::ArchiveCorrupt,
            format!(
                "{} does not hold the same content after the copy.",
                context.step.server_name
            ),
        ));
    }
    context.progress.say("Reading the server's images");
    sync::refresh(&context.deps, context.server(), target.as_ref(), &|_| {}).await?;
    let message = format!("Copied {} from {}", payload.full_name, payload.source_server_name);
    Ok(done(&payload, &figures, &message))
}

/// What the target holds after a sending: nothing after one that failed for a reason which sending more may mend.
async fn after(
    target: &dyn Engine,
    payload: &Payload,
    sent: &Result<CopyFigures, Failure>,
) -> Result<Option<ImageDetail>, Failure> {
    match sent {
        Ok(_) => target.image(&payload.full_name).await.map(Some),
        Err(failure) if failure.retry_after.is_some() => Err(failure.clone()),
        Err(_) => Ok(None),
    }
}

/// Whether every part of the image is there; a containerd store takes one with parts missing without a word.
fn is_whole(there: Option<&ImageDetail>) -> bool {
    there.is_some_and(|there| there.content.is_none_or(|content| content.complete))
}

async fn send(
    context: &StepContext,
    payload: &Payload,
    source: &std::sync::Arc<dyn Engine>,
    target: &std::sync::Arc<dyn Engine>,
    from: &ImageDetail,
    plan: TargetPlan,
) -> Result<CopyFigures, Failure> {
    let gathering = gather::Request {
        operation: context.step.operation_id.clone(),
        name: payload.full_name.clone(),
        expected: payload.targets,
        source: std::sync::Arc::clone(source),
        image: SourceImage::from_diff_ids(&from.diff_ids),
    };
    context
        .progress
        .say(format!("{} prepares the image", payload.source_server_name));
    let part = context.deps.copies.join(gathering, plan).await?;
    let counters = std::sync::Arc::clone(&part.counters);
    let loading = Loading {
        counters: std::sync::Arc::clone(&counters),
        total: payload.size,
    };
    load(
        target.as_ref(),
        into_body(part.bytes),
        &context.progress,
        &loading,
    )
    .await?;
    Ok(counters.figures())
}

/// Layers and platform are equal for equal content in every store; ids are not.
fn same_content(one: &ImageDetail, other: &ImageDetail) -> bool {
    one.diff_ids == other.diff_ids && one.platform == other.platform && one.config == other.config
}

fn figures_of_nothing(from: &ImageDetail) -> CopyFigures {
    CopyFigures {
        layers_total: from.diff_ids.len() as u64,
        bytes_total: from.size,
        ..CopyFigures::default()
    }
}

fn done(payload: &Payload, figures: &CopyFigures, message: &str) -> Done {
    let result: Value = json!({
        "fullName": payload.full_name,
        "sourceServerId": payload.source_server_id,
        "layersTotal": figures.layers_total,
        "layersSent": figures.layers_sent,
        "bytesTotal": figures.bytes_total,
        "bytesSent": figures.bytes_sent,
    });
    Done {
        message: message.to_owned(),
        result,
    }
}
