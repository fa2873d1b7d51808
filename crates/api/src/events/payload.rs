use chrono::SecondsFormat;
use imagefleet_model::{Access, OperationKind, Status, Timestamp, WaitingFor};
use imagefleet_operations::containers::ContainerStatus;
use imagefleet_store::{Announcement, StoredProgress};
use serde_json::{Value, json};

use crate::routes::operations::{nameless_title, shown};

/// The event of a step's progress.
pub const fn progress_event(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::PullImage => "docker_image_pull_progress",
        OperationKind::ExportImage => "docker_image_export_progress",
        OperationKind::ImportImage => "docker_image_import_progress",
        OperationKind::SyncImages => "software_sync_progress",
        OperationKind::PushImage
        | OperationKind::TagImage
        | OperationKind::CopyImage
        | OperationKind::DeleteImage
        | OperationKind::CreateContainer => "operation_progress",
    }
}

/// The payload of every progress event: what each kind's needs, and the rest too.
pub fn progress(event: &StoredProgress) -> Value {
    let step = &event.step;
    // Whoever sees the step may not see what it waits for.
    let waiting = step.waiting_for.clone().map(WaitingFor::without_title);
    let message = waiting.as_ref().map_or(&step.message, |waiting| &waiting.message);
    json!({
        "operationId": event.operation_id,
        "type": event.kind,
        "title": event.title,
        "serverId": step.server_id,
        "serverName": step.server_name,
        "imageId": step.image_id,
        "imageName": step.repository,
        "imageTag": step.tag,
        "progress": step.progress,
        "status": step.status,
        "message": message,
        "waitingFor": waiting,
        "bytesDone": step.bytes_done,
        "bytesTotal": step.bytes_total,
        "bytesPerSecond": step.bytes_per_second,
        "layers": step.layers,
        "seq": event.seq,
        "timestamp": text(event.at),
    })
}

/// The same progress without what may name something else than its step is about.
pub fn nameless(mut progress: Value, event: &StoredProgress) -> Value {
    progress["title"] = nameless_title(event.kind, Some(&event.step)).into();
    progress["message"] = "".into();
    progress["layers"] = json!([]);
    progress
}

/// The one event that ends an operation, as those with these rights may read it.
pub fn end(event: &Announcement, access: &Access) -> (&'static str, Value) {
    let operation = shown(event.operation.clone(), access, false);
    if operation.status == Status::Succeeded {
        let payload = json!({
            "operationId": operation.id,
            "type": operation.kind,
            "title": operation.title,
            "status": operation.status,
            "message": operation.message,
            "result": operation.result,
            "seq": event.seq,
            "timestamp": text(event.at),
        });
        return ("operation_complete", payload);
    }
    let steps: Vec<Value> = operation
        .steps
        .iter()
        .map(|step| {
            json!({
                "serverId": step.server_id,
                "serverName": step.server_name,
                "imageId": step.image_id,
                "status": step.status,
                "message": step.message,
                "error": step.error,
            })
        })
        .collect();
    let payload = json!({
        "operationId": operation.id,
        "type": operation.kind,
        "title": operation.title,
        "status": operation.status,
        "message": operation.message,
        "error": operation.error,
        "details": steps,
        "result": operation.result,
        "seq": event.seq,
        "timestamp": text(event.at),
    });
    ("operation_error", payload)
}

/// A container is new, gone (`removed`) or in another state. Without a container so many changed that a list is to be
/// read again.
pub fn container(event: &ContainerStatus) -> Value {
    let change = event.change.as_ref();
    json!({
        "serverId": event.server_id,
        "serverName": event.server_name,
        "containerId": change.map(|change| change.id),
        "name": change.map(|change| &change.name),
        "state": change.map(|change| &change.state),
        "status": change.map(|change| &change.status),
        "timestamp": text(event.at),
    })
}

/// Something about a server has changed: read it again.
pub fn changed(server_id: i64, at: Timestamp) -> Value {
    json!({ "serverId": server_id, "timestamp": text(at) })
}

fn text(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
