//! From one server to many, without a registry and without a file in between: the source is read once, and each target
//! is sent what it lacks.

mod gather;
mod held;
mod preview;

use std::sync::Arc;

use imagefleet_archive::{CopyFigures, SourceImage, TargetPlan};
use imagefleet_engine::{Engine, ImageDetail};
use imagefleet_model::{ErrorCode, Failure, Image, ImageStore, OperationKind, ServerId};
use imagefleet_store::{NewOperation, NewStep};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use gather::Gatherings;
pub use held::held_by;
pub use preview::{Preview, Source};

use super::loading::{Loading, load};
use super::{Done, sync};
use crate::Actor;
use crate::context::StepContext;

/// How often a target joins a reading that others share; after that it has to go as it may.
const READINGS: usize = 2;

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
    let (from, from_info, info) =
        tokio::try_join!(source.image(&payload.full_name), source.info(), target.info())?;
    let stores = [from_info.image_store, info.image_store];
    if let Ok(there) = target.image(&payload.full_name).await
        && same_content(&from, &there, stores)
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
    let way = Way {
        payload: &payload,
        source: &source,
        target: &target,
        store: info.image_store,
        from: &from,
    };
    let sent = send(context, &way, plan).await;
    let mut there = after(target.as_ref(), &sent).await?;
    let sent = if guessed && !is_whole(there.as_ref()) {
        tracing::info!("the server lacks layers that its images name; sending all of them");
        let sent = send(context, &way, whole).await?;
        there = Some(target.image(&sent.name).await?);
        sent
    } else {
        sent?
    };
    let same = there
        .as_ref()
        .is_some_and(|there| same_content(&from, there, stores));
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
    Ok(done(&payload, &sent.figures, &message))
}

/// What the target holds after a sending: nothing after one that failed for a reason which sending more may mend.
async fn after(target: &dyn Engine, sent: &Result<Sent, Failure>) -> Result<Option<ImageDetail>, Failure> {
    match sent {
        Ok(sent) => target.image(&sent.name).await.map(Some),
        Err(failure) if failure.retry_after.is_some() => Err(failure.clone()),
        Err(_) => Ok(None),
    }
}

/// Whether every part of the image is there; a containerd store takes one with parts missing without a word.
fn is_whole(there: Option<&ImageDetail>) -> bool {
    there.is_some_and(|there| there.content.is_none_or(|content| content.complete))
}

/// Between whom the image goes.
struct Way<'a> {
    payload: &'a Payload,
    source: &'a Arc<dyn Engine>,
    target: &'a Arc<dyn Engine>,
    store: ImageStore,
    from: &'a ImageDetail,
}

/// What was sent, and the name that the target knows it by.
struct Sent {
    figures: CopyFigures,
    name: String,
}

/// An untagged image has only its id, and stores of another kind give it another one: the engine says which when it loads.
fn name_there(name: &str, loaded: Vec<String>) -> String {
    let is_id = |text: &str| text.starts_with("sha256:");
    let told = loaded.into_iter().find(|loaded| is_id(name) && is_id(loaded));
    told.unwrap_or_else(|| name.to_owned())
}

/// Sends what the plan says. A target that the others cannot wait for gets a reading of its own.
async fn send(context: &StepContext, way: &Way<'_>, plan: TargetPlan) -> Result<Sent, Failure> {
    for _ in 0..READINGS {
        let (sent, left_behind) = send_once(context, way, plan.clone()).await?;
        if !left_behind {
            return sent;
        }
        tracing::info!("the server is too slow for the others; the source is read again for it");
    }
    send_once(context, way, plan).await?.0
}

/// What was sent, and whether the target was left behind by the others.
async fn send_once(
    context: &StepContext,
    way: &Way<'_>,
    plan: TargetPlan,
) -> Result<(Result<Sent, Failure>, bool), Failure> {
    let gathering = gather::Request {
        operation: context.step.operation_id.clone(),
        name: way.payload.full_name.clone(),
        expected: way.payload.targets,
        source: Arc::clone(way.source),
        image: SourceImage::from_diff_ids(&way.from.diff_ids),
    };
    context
        .progress
        .say(format!("{} prepares the image", way.payload.source_server_name));
    let part = context.deps.copies.join(gathering, plan).await?;
    let counters = Arc::clone(&part.counters);
    let loading = Loading {
        bytes: part.bytes,
        counters: part.counters,
        total: way.payload.size,
        store: way.store,
    };
    let loaded = load(way.target.as_ref(), loading, &context.progress).await;
    let left_behind = loaded.is_err() && counters.left_behind();
    let sent = loaded.map(|loaded| Sent {
        figures: counters.figures(),
        name: name_there(&way.payload.full_name, loaded),
    });
    Ok((sent, left_behind))
}

/// Layers, platform and what a container inherits are equal for equal content in every store. The id is the config's
/// digest in a classic store; a containerd store has the manifest's there, and Podman may write a config anew.
fn same_content(one: &ImageDetail, other: &ImageDetail, stores: [ImageStore; 2]) -> bool {
    let same_id = one.id == other.id || stores != [ImageStore::Classic; 2];
    same_id && one.diff_ids == other.diff_ids && one.platform == other.platform && one.config == other.config
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
