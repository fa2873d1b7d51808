use std::time::Duration;

use imagefleet_archive::{ArchiveContents, ArchiveImage, CopyPlan, Limits, SourceImage, TargetPlan, copy};
use imagefleet_engine::Engine;
use imagefleet_model::{ErrorCode, Failure, ImageRef, OperationKind, ServerId};
use imagefleet_store::{NewOperation, NewStep, StoreError, Upload};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::loading::{Loading, load};
use super::{Done, sync};
use crate::Actor;
use crate::context::StepContext;
use crate::uploads::look;

/// A server that takes nothing for so long is given up; Podman spools a whole archive before it says a word.
const STALL: Duration = Duration::from_mins(10);

/// What to import, and where to; checked already.
#[derive(Debug)]
pub struct ImportArchive {
    /// Complete, and looked into.
    pub upload: Upload,
    /// What is inside.
    pub contents: ArchiveContents,
    /// At least one, each once.
    pub servers: Vec<(ServerId, String)>,
    /// Another name for the one image inside.
    pub rename: Option<ImageRef>,
    /// Whether a tag that means something else on the server may be taken over.
    pub force: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    upload_id: String,
    rename: Option<String>,
    force: bool,
}

/// Plans a step for each server.
pub fn plan(import: ImportArchive, actor: &Actor) -> Result<NewOperation, Failure> {
    if import.rename.is_some() && import.contents.distinct_images() != 1 {
        return Err(Failure::new(
            ErrorCode::InvalidInput,
            format!(
                "name: the archive holds {} images; only a single one can be renamed.",
                import.contents.distinct_images()
            ),
        ));
    }
    let payload = super::payload(&Payload {
        upload_id: import.upload.id.clone(),
        rename: import.rename.as_ref().map(ToString::to_string),
        force: import.force,
    })?;
    let first = import.rename.or_else(|| {
        import
            .contents
            .references()
            .into_iter()
            .next()
            .and_then(|reference| ImageRef::parse(reference).ok())
    });
    let single = first.filter(|_| import.contents.distinct_images() == 1);
    let where_to = match import.servers.as_slice() {
        [(_, name)] => name.clone(),
        servers => format!("{} servers", servers.len()),
    };
    Ok(NewOperation {
        kind: OperationKind::ImportImage,
        title: format!("Import {} to {where_to}", import.upload.file_name),
        user_id: actor.user_id,
        created_by: actor.username.clone(),
        request: json!({
            "uploadId": import.upload.id,
            "fileName": import.upload.file_name,
            "serverIds": import.servers.iter().map(|(id, _)| id).collect::<Vec<_>>(),
            "force": import.force,
        }),
        steps: import
            .servers
            .into_iter()
            .map(|(server_id, server_name)| NewStep {
                server_id,
                server_name,
                image_id: None,
                repository: single.as_ref().map(ImageRef::repository),
                tag: single
                    .as_ref()
                    .and_then(|reference| reference.tag().map(ToOwned::to_owned)),
                payload: payload.clone(),
                exclusive: true,
                bulk: true,
                share_key: None,
            })
            .collect(),
    })
}

/// Loads the archive into one server.
pub async fn run(context: &StepContext) -> Result<Done, Failure> {
    let payload: Payload = context.payload()?;
    let store = &context.deps.store;
    let upload = store.any_upload(&payload.upload_id).await.map_err(gone)?;
    let contents = look(&context.deps, &upload).await?;
    let references: Vec<String> = match &payload.rename {
        Some(name) => vec![name.clone()],
        None => contents.references().into_iter().map(ToOwned::to_owned).collect(),
    };
    let engine = context.engine().await?;
    context.progress.say("Asking the engine");
    let info = engine.info().await?;
    if !payload.force {
        refuse_takeover(context, engine.as_ref(), &contents.images, &references).await?;
    }
    let stretches = store.upload_stretches(&upload.id).await?;
    let archive = context.deps.archives.read_upload(&upload.location, stretches);
    let plan = CopyPlan {
        images: contents.images.iter().map(SourceImage::from).collect(),
        targets: vec![TargetPlan {
            references: payload.rename.as_ref().map(|name| vec![name.clone()]),
            platform: Some(info.platform),
            ..TargetPlan::whole(Some(info.image_store))
        }],
        stall: STALL,
        limits: Limits::default(),
    };
    let copying = copy(archive, plan);
    let target = copying.targets.into_iter().next();
    let target = target.ok_or_else(|| Failure::new(ErrorCode::Internal, "The archive has no reader."))?;
    let loading = Loading {
        bytes: target.bytes,
        counters: target.counters,
        total: contents.tar_bytes,
        store: info.image_store,
    };
    let load = load(engine.as_ref(), loading, &context.progress);
    let loaded = tokio::try_join!(copying.run, load).map(|(_, loaded)| loaded)?;
    context.progress.say("Reading the server's images");
    verify(engine.as_ref(), &contents.images, &references).await?;
    sync::refresh(&context.deps, context.server(), engine.as_ref(), &|_| {}).await?;
    let mut images = Vec::with_capacity(references.len());
    for reference in &references {
        let row = store.image_by_name(context.server(), reference).await?;
        let row = row.ok_or_else(|| {
            Failure::new(
                ErrorCode::EngineError,
                format!("The engine took the archive, but does not list {reference}."),
            )
        })?;
        images.push(json!({ "imageId": row.id, "fullName": row.full_name, "engineId": row.engine_id }));
    }
    Ok(Done {
        message: match references.as_slice() {
            [reference] => format!("Imported {reference}"),
            references => format!("Imported {} references", references.len()),
        },
        result: json!({ "images": images, "loaded": loaded, "bytesTotal": upload.received }),
    })
}

/// A retry may come when the upload has expired.
fn gone(error: StoreError) -> Failure {
    if error.is_not_found() {
        return Failure::new(
            ErrorCode::UploadIncomplete,
            "The uploaded file is gone: it has expired or was deleted. Upload it again.",
        );
    }
    error.into()
}

/// Without force a tag that means other content on the server is left alone.
async fn refuse_takeover(
    context: &StepContext,
    engine: &dyn Engine,
    images: &[ArchiveImage],
    references: &[String],
) -> Result<(), Failure> {
    for reference in references {
        let there = match engine.image(reference).await {
            Ok(detail) => detail,
            Err(failure) if failure.code == ErrorCode::ImageNotFound => continue,
            Err(failure) => return Err(failure),
        };
        // Layers are equal in every store for equal content; ids are not.
        if !images.iter().any(|image| image.diff_ids() == there.diff_ids) {
            return Err(Failure::new(
                ErrorCode::Conflict,
                format!(
                    "{} has other content under {reference} already; import with force to replace the tag.",
                    context.step.server_name
                ),
            ));
        }
    }
    Ok(())
}

/// Whether the engine has what was sent: some say yes to what they could not take.
async fn verify(engine: &dyn Engine, images: &[ArchiveImage], references: &[String]) -> Result<(), Failure> {
    for reference in references {
        let there = engine.image(reference).await?;
        if !images.iter().any(|image| image.diff_ids() == there.diff_ids) {
            return Err(Failure::new(
                ErrorCode::EngineError,
                format!("The engine took the archive, but has other content under {reference}."),
            ));
        }
    }
    Ok(())
}
