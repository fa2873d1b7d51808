use imagefleet_model::{
    Access, ErrorCode, ErrorInfo, Operation, OperationKind, ServerId, Status, Step, Verb,
};

use crate::extract::{Caller, Target};
use crate::{AppState, Problem};

/// The operation as somebody with these rights may read it: steps on servers and repositories that they do not see are
/// left out, and with them what is told of all steps together. `own` says that they started it themselves.
#[must_use]
pub fn shown(mut operation: Operation, access: &Access, own: bool) -> Operation {
    let all = operation.steps.len();
    operation.steps.retain(|step| sees_step(access, step));
    let mut hidden = operation.steps.len() < all;
    let named = own || sees_all(access, &operation.also);
    for step in &mut operation.steps {
        let whole = access.on_whole_server(Verb::ImageView, step.server_id);
        // What it waits for may be about an image that they do not see.
        if !whole && step.status == Status::Queued && !step.message.is_empty() {
            "Waits for its turn".clone_into(&mut step.message);
        }
        // Without a repository it is about several of them, or about the whole server.
        if !named || (!whole && !own && step.repository.is_none()) {
            hidden = true;
            step.message = String::new();
            step.result = None;
            step.error = step.error.take().map(without_words);
        }
    }
    if hidden {
        operation.result = None;
        operation.message = String::new();
        if !named || operation.steps.iter().any(|step| step.repository.is_none()) {
            operation.title = nameless_title(operation.kind, operation.steps.first());
        }
        // The operation's own error speaks of the step that failed first, wherever that was.
        operation.error = operation
            .error
            .and_then(|_| operation.steps.iter().find_map(|step| step.error.clone()));
    }
    operation
}

/// Whether they see all of it.
pub fn sees_all(access: &Access, also: &[(ServerId, String)]) -> bool {
    also.iter()
        .all(|(server, repository)| access.on_image(Verb::ImageView, *server, repository))
}

/// The title of an operation, without a name but that of what the step is about.
pub fn nameless_title(kind: OperationKind, step: Option<&Step>) -> String {
    let about = step.and_then(|step| match (&step.repository, &step.tag) {
        (Some(repository), Some(tag)) => Some(format!("{repository}:{tag}")),
        (repository, _) => repository.clone(),
    });
    match (kind, about) {
        (OperationKind::CopyImage, Some(name)) => format!("Copy {name}"),
        (OperationKind::TagImage, Some(name)) => format!("Tag an image as {name}"),
        (OperationKind::SyncImages, _) => "Sync".to_owned(),
        (OperationKind::ImportImage, _) => "Import an archive".to_owned(),
        (OperationKind::ExportImage, _) => "Export several images".to_owned(),
        _ => "Several images".to_owned(),
    }
}

/// The error without what the engine said: that may name any image of the server.
fn without_words(error: ErrorInfo) -> ErrorInfo {
    ErrorInfo {
        message: "It did not succeed.".to_owned(),
        ..error
    }
}

/// Whether they see what the step is about. One without a repository is about its server.
fn sees_step(access: &Access, step: &Step) -> bool {
    match &step.repository {
        Some(repository) => access.on_image(Verb::ImageView, step.server_id, repository),
        None => access.on_server(Verb::ImageView, step.server_id),
    }
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

/// The operation as this caller may read it.
#[must_use]
pub fn shown_to(operation: Operation, caller: &Caller) -> Operation {
    let own = operation.created_by == caller.username;
    shown(operation, &caller.access, own)
}

/// The operation of that id: 404 unless the caller may see it, and with `change` 403 unless the caller could have
/// started every step of it.
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
            let target = match &step.repository {
                Some(repository) => Target::Image(step.server_id, repository),
                None => Target::Server(step.server_id),
            };
            if !caller.may(verb_of(operation.kind), target) {
                // The operation itself they may see: no step of it is a secret worth a 404.
                return Err(Problem::new(
                    ErrorCode::Forbidden,
                    format!(
                        "You may not do this here: it needs the right {} for every step.",
                        verb_of(operation.kind).as_str()
                    ),
                ));
            }
        }
    }
    Ok(operation)
}
