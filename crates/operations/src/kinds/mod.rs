//! One file per kind of operation: how it is planned (checked input → steps) and how one step of it runs.

pub mod copy;
/// A container from an image.
pub mod create_container;
/// Deletes images from servers.
pub mod delete;
/// Saves images into archives that we keep.
pub mod export;
/// Loads an uploaded archive into servers.
pub mod import;
mod layer_sizes;
mod loading;
/// Pulls a reference to servers.
pub mod pull;
/// Pushes an image to a registry.
pub mod push;
/// Brings the inventory in step with the engines.
pub mod sync;
/// Gives an image another reference.
pub mod tag;

use imagefleet_model::{ErrorCode, Failure, Image, ImageRef, OperationKind};
use imagefleet_store::{NewOperation, NewStep, StepOutcome};
use serde::Serialize;
use serde_json::Value;

use crate::Actor;
use crate::context::StepContext;

/// What came of a step that succeeded.
#[derive(Debug)]
pub struct Done {
    /// A line for people.
    pub message: String,
    /// For programs.
    pub result: Value,
}

/// A reference that was checked when the operation was planned.
pub fn reference(text: &str) -> Result<ImageRef, Failure> {
    ImageRef::parse(text).map_err(|error| Failure::new(ErrorCode::InvalidReference, error.to_string()))
}

/// A payload as the step keeps it.
pub fn payload<T: Serialize>(payload: &T) -> Result<Value, Failure> {
    serde_json::to_value(payload).map_err(|error| Failure::new(ErrorCode::Internal, error.to_string()))
}

/// An operation on one image, in one step that says under which reference.
struct OnImage<'a, T> {
    kind: OperationKind,
    title: String,
    image: &'a Image,
    reference: &'a ImageRef,
    request: Value,
    payload: T,
    bulk: bool,
}

impl<T: Serialize> OnImage<'_, T> {
    fn plan(self, actor: &Actor) -> Result<NewOperation, Failure> {
        Ok(NewOperation {
            kind: self.kind,
            title: self.title,
            user_id: actor.user_id,
            created_by: actor.username.clone(),
            request: self.request,
            steps: vec![NewStep {
                server_id: self.image.server_id,
                server_name: self.image.server_name.clone(),
                image_id: Some(self.image.id),
                repository: Some(self.reference.repository()),
                tag: self.reference.tag().map(ToOwned::to_owned),
                payload: payload(&self.payload)?,
                exclusive: true,
                bulk: self.bulk,
                share_key: None,
            }],
        })
    }
}

/// Runs one step of its kind.
pub async fn run(context: &StepContext) -> Result<Done, Failure> {
    match context.step.kind {
        OperationKind::PullImage => pull::run(context).await,
        OperationKind::PushImage => push::run(context).await,
        OperationKind::TagImage => tag::run(context).await,
        OperationKind::SyncImages => sync::run(context).await,
        OperationKind::DeleteImage => delete::run(context).await,
        OperationKind::ExportImage => export::run(context).await,
        OperationKind::ImportImage => import::run(context).await,
        OperationKind::CopyImage => copy::run(context).await,
        OperationKind::CreateContainer => create_container::run(context).await,
    }
}

/// Puts the rows right that a step of its kind had marked. Failures are logged: the reconciler comes by later.
pub async fn settled(context: &StepContext, outcome: &StepOutcome) {
    let put_right = match context.step.kind {
        OperationKind::PullImage => pull::settled(context, outcome).await,
        OperationKind::DeleteImage => delete::settled(context, outcome).await,
        OperationKind::ExportImage => export::settled(context, outcome).await,
        OperationKind::CreateContainer => create_container::settled(context, outcome).await,
        _ => Ok(()),
    };
    if let Err(failure) = put_right {
        tracing::error!(%failure, "rows of the step could not be put right");
    }
}
