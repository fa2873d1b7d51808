use imagefleet_model::{ErrorCode, Operation, OperationKind, Verb, WaitingFor};

use crate::events::sees;
use crate::extract::{Caller, Target};
use crate::{AppState, Problem};

/// The operation, with the steps that the caller may see; the result speaks of all of them, or is left out, and what a
/// step waits for is named only to who may see that too.
#[must_use]
pub fn shown(mut operation: Operation, caller: &Caller) -> Operation {
    let all = operation.steps.len();
    operation
        .steps
        .retain(|step| caller.access.on_server(Verb::ImageView, step.server_id));
    if operation.steps.len() < all {
        operation.result = None;
    }
    for step in &mut operation.steps {
        let hidden = step.waiting_for.take_if(|waiting| {
            waiting
                .subject
                .as_ref()
                .is_some_and(|(server, repository)| !sees(&caller.access, *server, repository.as_deref()))
        });
        if let Some(waiting) = hidden.map(WaitingFor::without_title) {
            step.message.clone_from(&waiting.message);
            step.waiting_for = Some(waiting);
        }
    }
    operation
}

/// The verb that starts operations of that kind, and therefore may cancel and retry them.
const fn verb_of(kind: OperationKind) -> Verb {
    match kind {
        OperationKind::PullImage | OperationKind::SyncImages => Verb::ImagePull,
        OperationKind::PushImage | OperationKind::TagImage => Verb::ImagePush,
        OperationKind::ExportImage => Verb::ImageExport,
        OperationKind::ImportImage => Verb::ImageImport,
        OperationKind::CopyImage => Verb::ImageCopy,
        OperationKind::DeleteImage => Verb::ImageDelete,
        OperationKind::CreateContainer => Verb::ContainerCreate,
    }
}

/// The operation of that id: 404 unless the caller may see it, and with `change` 403 unless the caller could have
/// started it on every server of it.
pub async fn require(
    state: &AppState,
    caller: &Caller,
    id: &str,
    change: bool,
) -> Result<Operation, Problem> {
    let not_found = || Problem::new(ErrorCode::OperationNotFound, "There is no such operation.");
    let operation = state.store.operation(id).await?.ok_or_else(not_found)?;
    if !state.store.operation_visible(id, &caller.access).await? {
        return Err(not_found());
    }
    if change {
        for step in &operation.steps {
            caller.require(verb_of(operation.kind), Target::Server(step.server_id))?;
        }
    }
    Ok(operation)
}
