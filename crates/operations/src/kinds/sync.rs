use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use imagefleet_engine::Engine;
use imagefleet_model::{EngineImage, Failure, OperationKind, ServerId};
use imagefleet_store::{
    Changes, ImageContent, Inventory, NewOperation, NewStep, content_fingerprint, seen_images,
};
use serde_json::json;

use super::Done;
use crate::context::{Deps, StepContext};
use crate::{Actor, Change, containers};

/// How many images are asked about at once: enough to hide the network, too few to trouble an engine.
const INSPECTIONS: usize = 8;

/// Plans a step for each server.
#[must_use]
pub fn plan(servers: Vec<(ServerId, String)>, actor: &Actor) -> NewOperation {
    let title = match servers.as_slice() {
        [(_, name)] => format!("Sync {name}"),
        servers => format!("Sync {} servers", servers.len()),
    };
    NewOperation {
        kind: OperationKind::SyncImages,
        title,
        user_id: actor.user_id,
        created_by: actor.username.clone(),
        request: json!({ "serverIds": servers.iter().map(|(id, _)| id).collect::<Vec<_>>() }),
        steps: servers
            .into_iter()
            .map(|(server_id, server_name)| NewStep {
                server_id,
                server_name,
                image_id: None,
                repository: None,
                tag: None,
                payload: json!({}),
                // It only reads: it need not wait for a pull.
                exclusive: false,
                bulk: false,
                share_key: Some("sync".to_owned()),
            })
            .collect(),
    }
}

/// Brings the inventory of one server in step with its engine.
pub async fn run(context: &StepContext) -> Result<Done, Failure> {
    let engine = context.engine().await?;
    context.progress.bytes("Asking the engine", 0, None, 0, 0);
    let info = engine.info().await?;
    context
        .deps
        .store
        .set_server_online(context.server(), &info)
        .await?;
    let report = |stage: Stage| match stage {
        Stage::Listed(count) => context
            .progress
            .bytes(&format!("Reading {count} images"), 0, None, 30, 30),
        Stage::Inspected(done, all) => {
            let percent = 30 + u8::try_from(50 * done / all.max(1)).unwrap_or(50);
            context.progress.bytes(
                &format!("Reading image {done} of {all}"),
                0,
                None,
                percent,
                percent,
            );
        }
        Stage::Storing => context.progress.bytes("Storing the differences", 0, None, 85, 85),
    };
    let changes = refresh(&context.deps, context.server(), engine.as_ref(), &report).await?;
    Ok(Done {
        message: format!(
            "{} images: {} new, {} changed, {} gone",
            changes.total, changes.added, changes.updated, changes.removed
        ),
        result: json!({
            "imageCount": changes.total,
            "added": changes.added,
            "updated": changes.updated,
            "removed": changes.removed,
        }),
    })
}

/// How far a look at an engine is.
#[derive(Debug, Clone, Copy)]
pub enum Stage {
    /// The list is there, with so many images.
    Listed(usize),
    /// So many of so many images that nobody knew have been asked about.
    Inspected(usize, usize),
    /// The differences are being written.
    Storing,
}

/// Looks at the engine and stores what differs: the one way in which the inventory learns.
pub async fn refresh(
    deps: &Deps,
    server: ServerId,
    engine: &dyn Engine,
    report: &(dyn Fn(Stage) + Sync),
) -> Result<Changes, Failure> {
    let asked_at = deps.store.clock().now();
    let (images, containers) = tokio::try_join!(engine.images(), engine.containers())?;
    report(Stage::Listed(images.len()));
    learn_contents(deps, engine, &images, report).await?;
    report(Stage::Storing);
    let inventory = Inventory {
        asked_at,
        images: seen_images(&images),
        containers: containers.into_iter().map(containers::seen).collect(),
    };
    let changes = deps.store.apply_inventory(server, inventory).await?;
    if changes.any() {
        deps.changed(Change::Images(server));
    }
    if changes.containers_changed > 0 {
        containers::announce(deps, server, changes.container_states.clone()).await?;
    }
    Ok(changes)
}

/// Asks once about every content id that no server has shown before: platform, and what tells equal content apart
/// across image stores. An image that vanishes meanwhile is simply not asked about again.
async fn learn_contents(
    deps: &Deps,
    engine: &dyn Engine,
    images: &[EngineImage],
    report: &(dyn Fn(Stage) + Sync),
) -> Result<(), Failure> {
    let ids: BTreeSet<String> = images.iter().map(|image| image.id.clone()).collect();
    let unknown = deps
        .store
        .unknown_contents(&ids.into_iter().collect::<Vec<_>>())
        .await?;
    if unknown.is_empty() {
        return Ok(());
    }
    let all = unknown.len();
    let mut answers = stream::iter(unknown)
        .map(|id| async move { engine.image(&id).await.map(|detail| (id, detail)) })
        .buffer_unordered(INSPECTIONS);
    let mut known = Vec::with_capacity(all);
    let mut asked = 0;
    while let Some(answer) = answers.next().await {
        asked += 1;
        if asked % 10 == 0 || asked == all {
            report(Stage::Inspected(asked, all));
        }
        match answer {
            Ok((engine_id, detail)) => known.push(ImageContent {
                fingerprint: content_fingerprint(&detail.platform, detail.created_at, &detail.diff_ids),
                platform: Some(detail.platform),
                created_at: detail.created_at,
                engine_id,
            }),
            Err(failure) if failure.retry_after.is_some() => return Err(failure),
            Err(failure) => tracing::debug!(%failure, "an image could not be read"),
        }
    }
    deps.store.remember_contents(&known).await?;
    Ok(())
}
