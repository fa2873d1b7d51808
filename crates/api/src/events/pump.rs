use std::sync::Arc;

use imagefleet_model::{ServerId, Verb};
use imagefleet_operations::{Event, OperationEnd, StepProgress};
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::audience::{Class, sees};
use super::bus::Bus;
use super::payload;
use crate::AppState;
use crate::routes::operations::sees_all;

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
        state.live.audience.keep_up(&state).await;
        let classes = state.live.audience.classes();
        send(&state, bus.as_ref(), &classes, event).await;
    }
}

async fn send(state: &AppState, bus: &dyn Bus, classes: &[Class], event: Event) {
    match event {
        Event::Progress(step) => progress(bus, classes, &step).await,
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

/// What is about several images, or names another, is told without names to those who do not see all of that.
async fn progress(bus: &dyn Bus, classes: &[Class], event: &StepProgress) {
    let (server, repository) = (event.step.server_id, event.step.repository.as_deref());
    let (whole, part): (Vec<&Class>, Vec<&Class>) = classes
        .iter()
        .filter(|class| sees(&class.access, server, repository))
        .partition(|class| {
            sees_all(&class.access, &event.also)
                && (repository.is_some() || class.access.on_whole_server(Verb::ImageView, server))
        });
    let name = payload::progress_event(event.kind);
    let rooms = |classes: Vec<&Class>| classes.into_iter().map(|class| class.room.clone()).collect();
    let told = payload::progress(event);
    if !part.is_empty() {
        bus.emit(name, &payload::nameless(told.clone(), event), rooms(part))
            .await;
    }
    bus.emit(name, &told, rooms(whole)).await;
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
