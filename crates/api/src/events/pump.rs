use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use imagefleet_model::{ServerId, Verb};
use imagefleet_operations::{Change, Event};
use imagefleet_store::{Announcement, StoredProgress};
use serde_json::Value;
use serde_json::value::to_raw_value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;

use super::audience::{Class, sees};
use super::sockets::Sending;
use super::{payload, recheck};
use crate::AppState;
use crate::routes::operations::sees_all;

/// Events that are sent together at most: sockets are given the thread before further ones are handed to them.
const TOGETHER: usize = 256;
/// Events that are taken before some are sent.
const MOST_WAITING: usize = 4096;
/// For how long events wait for a database that does not tell who may hear them.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends what operations announce, in that order, so that nobody meets an end before its progress.
pub async fn pump(state: AppState, mut events: Receiver<Event>) {
    let mut waiting: VecDeque<Event> = VecDeque::new();
    loop {
        let mut rights = false;
        if waiting.is_empty() {
            match events.recv().await {
                Ok(event) => waiting.push_back(event),
                Err(RecvError::Lagged(missed)) => rights = missed_some(missed),
                Err(RecvError::Closed) => return,
            }
        }
        while waiting.len() < MOST_WAITING {
            match events.try_recv() {
                Ok(event) => waiting.push_back(event),
                Err(TryRecvError::Lagged(missed)) => rights = missed_some(missed),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let before = waiting.len();
        waiting.retain(|event| !matches!(event, Event::Changed(Change::Rights)));
        if rights || waiting.len() < before {
            look(&state).await;
        }
        let Some(sockets) = state.live.sockets.get() else {
            waiting.clear();
            continue;
        };
        let _order = state.live.order.lock().await;
        let classes = state.live.audience.classes();
        let mut outbox = Outbox::default();
        while outbox.0.len() < TOGETHER
            && let Some(event) = waiting.pop_front()
        {
            write(&state, &mut outbox, &classes, event);
        }
        for some in outbox.0.chunks(TOGETHER) {
            sockets.emit(some).await;
            tokio::task::yield_now().await;
        }
    }
}

/// Rights may have changed among what was missed.
fn missed_some(missed: u64) -> bool {
    tracing::error!(missed, "live events were missed; clients read the state by REST");
    true
}

/// What is told after rights have changed is for those who may hear it then, and waits until that is known.
async fn look(state: &AppState) {
    let patient_until = Instant::now() + PATIENCE;
    while !recheck::look(state).await {
        if Instant::now() > patient_until {
            tracing::error!("live events go on, and the rights of those who hear them could not be read");
            return state.live.recheck();
        }
        tokio::time::sleep(recheck::AGAIN).await;
    }
}

/// What is to be sent.
#[derive(Default)]
struct Outbox(Vec<Sending>);

impl Outbox {
    fn put(&mut self, event: &'static str, payload: &Value, rooms: Vec<String>) {
        // Without a room it would go to everybody.
        if rooms.is_empty() {
            return;
        }
        match to_raw_value(payload) {
            Ok(payload) => self.0.push(Sending {
                event,
                payload,
                rooms,
            }),
            Err(error) => tracing::error!(%error, event, "an event could not be written"),
        }
    }
}

fn write(state: &AppState, outbox: &mut Outbox, classes: &[Class], event: Event) {
    match event {
        Event::Progress(steps) => steps.iter().for_each(|step| progress(outbox, classes, step)),
        Event::Ended(end) => ended(outbox, classes, &end),
        Event::Changed(change) => changed(state, outbox, classes, &change),
    }
}

fn changed(state: &AppState, outbox: &mut Outbox, classes: &[Class], change: &Change) {
    let (event, server) = match change {
        Change::Images(server) => ("images_changed", *server),
        Change::Server(server) => {
            // Its tags may have moved it into or out of somebody's grants.
            state.live.recheck();
            ("server_changed", *server)
        }
        Change::Containers(server) => ("containers_changed", *server),
        Change::ContainerStatus(status) => {
            let repository = status.change.as_ref().map(|change| change.repository.as_str());
            let rooms = rooms(classes, status.server_id, repository);
            return outbox.put("docker_container_status", &payload::container(status), rooms);
        }
        // Looked at by the pump, before what follows.
        Change::Rights => return,
    };
    let rooms = rooms(classes, server, None);
    outbox.put(event, &payload::changed(server, state.now()), rooms);
}

/// What is about several images, or names another, is told without names to those who do not see all of that.
fn progress(outbox: &mut Outbox, classes: &[Class], event: &StoredProgress) {
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
        outbox.put(name, &payload::nameless(told.clone(), event), rooms(part));
    }
    outbox.put(name, &told, rooms(whole));
}

/// Those who see all of it share one sending; others are told their part.
fn ended(outbox: &mut Outbox, classes: &[Class], end: &Arc<Announcement>) {
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
        outbox.put(event, &payload, rooms);
    }
}

fn rooms(classes: &[Class], server: ServerId, repository: Option<&str>) -> Vec<String> {
    classes
        .iter()
        .filter(|class| sees(&class.access, server, repository))
        .map(|class| class.room.clone())
        .collect()
}
