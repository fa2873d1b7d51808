mod expected;

use std::time::Duration;

use expected::expected_bytes;

use futures_util::{StreamExt as _, TryStreamExt as _};
use imagefleet_archive::{ArchiveContents, Compression, Limits, export};
use imagefleet_model::{ErrorCode, ExportedImage, Failure, Image, OperationKind};
use imagefleet_store::{NewExport, NewOperation, NewStep, StepOutcome, new_export_id};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Done;
use crate::Actor;
use crate::context::StepContext;
use crate::reconcilers::keep_to_budget;

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    export_id: String,
    file_name: String,
    compression: Compression,
    /// What to save: full names, ids for untagged ones.
    names: Vec<String>,
    images: Vec<ExportedImage>,
    user_id: Option<i64>,
}

/// Plans one archive for each server that holds some of the images; layers that they share are in it once.
///
/// The ids of the exports are in the steps' order.
pub fn plan(
    images: Vec<Image>,
    compression: Compression,
    whole_server: bool,
    stamp: &str,
    actor: &Actor,
) -> Result<(NewOperation, Vec<String>), Failure> {
    let title = match images.as_slice() {
        [image] => format!("Export {} from {}", image.full_name, image.server_name),
        [first, ..] if whole_server => format!("Export {} images of {}", images.len(), first.server_name),
        images => format!("Export {} images", images.len()),
    };
    let request = json!({
        "imageIds": images.iter().map(|image| image.id).collect::<Vec<_>>(),
        "compression": compression,
    });
    let mut servers: Vec<(i64, Vec<Image>)> = Vec::new();
    for image in images {
        match servers.iter_mut().find(|(server, _)| *server == image.server_id) {
            Some((_, images)) => images.push(image),
            None => servers.push((image.server_id, vec![image])),
        }
    }
    let mut steps = Vec::with_capacity(servers.len());
    let mut ids = Vec::with_capacity(servers.len());
    for (server_id, images) in servers {
        let export_id = new_export_id();
        ids.push(export_id.clone());
        steps.push(step(server_id, images, export_id, compression, stamp, actor)?);
    }
    let kind = OperationKind::ExportImage;
    let created_by = actor.username.clone();
    Ok((
        NewOperation {
            kind,
            title,
            user_id: actor.user_id,
            created_by,
            request,
            steps,
        },
        ids,
    ))
}

fn step(
    server_id: i64,
    images: Vec<Image>,
    export_id: String,
    compression: Compression,
    stamp: &str,
    actor: &Actor,
) -> Result<NewStep, Failure> {
    let server_name = images
        .first()
        .map(|image| image.server_name.clone())
        .unwrap_or_default();
    let file_name = file_name(&images, &server_name, stamp, compression);
    let payload = Payload {
        export_id,
        file_name,
        compression,
        names: images.iter().map(|image| image.full_name.clone()).collect(),
        images: images
            .iter()
            .map(|image| ExportedImage {
                image_id: Some(image.id),
                server_id,
                server_name: server_name.clone(),
                repository: image.tag.is_some().then(|| image.repository.clone()),
                tag: image.tag.clone(),
                full_name: image.full_name.clone(),
                platform: image.platform.clone(),
            })
            .collect(),
        user_id: actor.user_id,
    };
    let only = if let [image] = images.as_slice() {
        Some(image)
    } else {
        None
    };
    Ok(NewStep {
        server_id,
        server_name,
        image_id: only.map(|image| image.id),
        repository: only.map(|image| image.repository.clone()),
        tag: only.and_then(|image| image.tag.clone()),
        payload: super::payload(&payload)?,
        // It changes nothing on the server: a pull need not wait for it.
        exclusive: false,
        bulk: true,
        share_key: None,
    })
}

/// A name that says what is inside: `nginx_1.27.tar`, `web-1_12-images_20260102-1504.tar.gz`.
fn file_name(images: &[Image], server: &str, stamp: &str, compression: Compression) -> String {
    let name = match images {
        [image] => match &image.tag {
            Some(tag) => format!("{}_{tag}", image.repository),
            None => image.full_name.chars().take("sha256:".len() + 12).collect(),
        },
        images => format!("{server}_{}-images_{stamp}", images.len()),
    };
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .take(180)
        .collect();
    format!(
        "{}{}",
        safe.trim_start_matches(['.', '-']),
        compression.extension()
    )
}

/// Saves, checks and keeps one archive.
pub async fn run(context: &StepContext) -> Result<Done, Failure> {
    let payload: Payload = context.payload()?;
    let (store, archives) = (&context.deps.store, &context.deps.archives);
    let engine = context.engine().await?;
    context.progress.say("Making room");
    let size = expected_bytes(engine.as_ref(), &payload.names).await?;
    // Compressed it will be less, but by how much nobody knows.
    archives.require_space(size)?;
    require_budget(payload.compression, size, archives.policy.budget)?;
    let location = location(&payload.export_id);
    forget(context, &payload.export_id).await?;
    let new = NewExport {
        operation_id: Some(context.step.operation_id.clone()),
        file_name: payload.file_name.clone(),
        location: location.clone(),
        server_id: context.server(),
        images: payload.images.clone(),
        user_id: payload.user_id,
        created_by: context.step.created_by.clone(),
    };
    store.create_export(&payload.export_id, new).await?;
    context.progress.say("The engine prepares the archive");
    let save = engine
        .save(&payload.names)
        .await?
        .map_err(|failure| failure)
        .boxed();
    let (file, sealing) = export(save, payload.compression, &Limits::default());
    let watching = sealing.clone();
    let progress = context.progress.clone();
    let watch = async {
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let done = watching.tar_bytes();
            if done > 0 {
                progress.bytes("Writing the archive", done, Some(size.max(done)), 0, 99);
            }
        }
    };
    tokio::select! {
        written = archives.write(&location, file) => { written?; }
        () = watch => {}
    }
    let sealed = sealing.finish()?;
    let done = sealed.contents.tar_bytes;
    context
        .progress
        .bytes("The archive is written", done, Some(done), 0, 99);
    require_all(&payload, &sealed.contents)?;
    let expires_at = archives
        .policy
        .export_days
        .map(|days| store.clock().now() + Duration::from_secs(u64::from(days) * 86_400));
    let kept = store
        .finish_export(&payload.export_id, sealed.size, &sealed.sha256, expires_at)
        .await?;
    if !kept {
        return Err(Failure::new(
            ErrorCode::ExportUnavailable,
            "The export was deleted while it was made.",
        ));
    }
    keep_to_budget(&context.deps).await?;
    Ok(Done {
        message: format!("{} is ready", payload.file_name),
        result: json!({
            "exportId": payload.export_id,
            "fileName": payload.file_name,
            "size": sealed.size,
            "sha256": sealed.sha256,
            "images": payload.names,
            "filePath": file_path(&payload.export_id),
            "expiresAt": expires_at,
        }),
    })
}

/// A single export may not be larger than all of them together.
fn require_budget(compression: Compression, size: u64, budget: Option<u64>) -> Result<(), Failure> {
    match budget {
        Some(budget) if compression == Compression::None && size > budget => Err(Failure::new(
            ErrorCode::NoSpace,
            format!(
                "All exports together may take {} MiB; this one would take {}.",
                budget >> 20,
                size >> 20
            ),
        )),
        _ => Ok(()),
    }
}

/// Every image that was asked for must be inside: engines have been seen to leave some out without a word.
fn require_all(payload: &Payload, contents: &ArchiveContents) -> Result<(), Failure> {
    let references = contents.references();
    let is_inside = |image: &ExportedImage| match &image.tag {
        Some(_) => references.contains(&image.full_name.as_str()),
        None => contents.images.iter().any(|inside| {
            let ids = [
                Some(&inside.config_digest),
                inside.manifest_digest.as_ref(),
                inside.target_digest.as_ref(),
            ];
            ids.into_iter().flatten().any(|id| *id == image.full_name)
        }),
    };
    match payload.images.iter().find(|image| !is_inside(image)) {
        Some(image) => Err(Failure::new(
            ErrorCode::ArchiveCorrupt,
            format!("The engine's archive does not hold {}.", image.full_name),
        )),
        None => Ok(()),
    }
}

/// An export that did not succeed leaves neither row nor file.
pub async fn settled(context: &StepContext, outcome: &StepOutcome) -> Result<(), Failure> {
    if matches!(outcome, StepOutcome::Succeeded(..)) {
        return Ok(());
    }
    let payload: Payload = context.payload()?;
    forget(context, &payload.export_id).await
}

async fn forget(context: &StepContext, export_id: &str) -> Result<(), Failure> {
    context.deps.archives.delete(&location(export_id)).await?;
    context.deps.store.delete_export(export_id).await?;
    Ok(())
}

fn location(export_id: &str) -> String {
    format!("exports/{export_id}")
}

/// Where the file can be fetched.
#[must_use]
pub fn file_path(export_id: &str) -> String {
    format!("/api/v1/exports/{export_id}/file")
}
