use std::sync::Arc;

use imagefleet_model::ServerId;
use imagefleet_operations::{Event, OperationEnd};
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::audience::{Class, sees};
use super::bus::Bus;
use super::payload;
use crate::AppState;

/// Sends what operations announce, one after the other, so that nobody meets an end before its progress.
pub async fn pump(state: AppState, mut events: Receiver<Event>) {
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(missed)) => {
                tracing::error!(missed, "live events were missed; clients read the state by REST");
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        let Some(bus) = state.live.bus.get() else { continue };
        let classes = state.live.audience.classes();
        send(&state, bus.as_ref(), &classes, event).await;
    }
}

async fn send(state: &AppState, bus: &dyn Bus, classes: &[Class], event: Event) {
    match event {
        Event::Progress(progress) => {
            let rooms = rooms(classes, progress.step.server_id, progress.repository.as_deref());
            bus.emit(
                payload::progress_event(progress.kind),
                &payload::progress(&progress),
                rooms,
            )
            .await;
        }
        Event::Ended(end) => ended(bus, classes, &end).await,
        Event::ImagesChanged(server) => changed(state, bus, classes, "images_changed", server).await,
        Event::ServerChanged(server) => {
            // Its tags may have moved it into or out of somebody's grants.
            state.live.rights_changed();
            changed(state, bus, classes, "server_changed", server).await;
        }
        Event::ContainersChanged(server) => {
            changed(state, bus, classes, "containers_changed", server).await;
        }
        Event::ContainerStatus(status) => {
            let repository = status.change.as_ref().map(|change| change.repository.as_str());
            let rooms = rooms(classes, status.server_id, repository);
            bus.emit("docker_container_status", &payload::container(&status), rooms)
                .await;
        }
    }
}

/// Those who see all of it share one sending; others are told their part.
async fn ended(bus: &dyn Bus, classes: &[Class], end: &Arc<OperationEnd>) {
    let mut sendings: Vec<(&'static str, Value, Vec<String>)> = Vec::new();
    for class in classes {
        let concerned = end
            .subjects
            .iter()
            .any(|(server, repository)| sees(&class.access, *server, repository.as_deref()));
        if !concerned {
            continue;
        }
        let (event, payload) = payload::end(end, &class.access);
        match sendings.iter_mut().find(|(_, same, _)| *same == payload) {
            Some((_, _, rooms)) => rooms.push(class.room.clone()),
            None => sendings.push((event, payload, vec![class.room.clone()])),
        }
    }
    for (event, payload, rooms) in sendings {
        bus.emit(event, &payload, rooms).await;
    }
}

async fn changed(state: &AppState, bus: &dyn Bus, classes: &[Class], event: &'static str, server: ServerId) {
    bus.emit(
        event,
        &payload::changed(server, state.now()),
        rooms(classes, server, None),
    )
    .await;
}

fn rooms(classes: &[Class], server: ServerId, repository: Option<&str>) -> Vec<String> {
    classes
        .iter()
        .filter(|class| sees(&class.access, server, repository))
        .map(|class| class.room.clone())
        .collect()
}
