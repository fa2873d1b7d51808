//! What is known of a server's containers, brought in step on its own: after something was done to one of them.

use std::sync::Arc;

use imagefleet_engine::{Engine, EngineContainer};
use imagefleet_model::{Failure, ServerId, Timestamp};
use imagefleet_store::{ContainerChange, SeenContainer};

use crate::Change;
use crate::context::Deps;

/// When more change at once (a first look at a server), one event stands for all of them.
const MOST_EVENTS: usize = 100;

/// A container of a server that is new, gone or in another state.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ContainerStatus {
    /// Its server.
    pub server_id: ServerId,
    /// That server's name.
    pub server_name: String,
    /// What changed; `None` when so much did that a list is to be read again.
    pub change: Option<ContainerChange>,
    /// When it was stored.
    pub at: Timestamp,
}

/// Looks at the containers of a server, and at nothing else of it.
pub async fn refresh(deps: &Deps, server: ServerId, engine: &dyn Engine) -> Result<(), Failure> {
    let asked_at = deps.store.clock().now();
    let containers: Vec<SeenContainer> = engine.containers().await?.into_iter().map(seen).collect();
    let changes = deps.store.apply_containers(server, asked_at, &containers).await?;
    if changes.rows > 0 {
        // Which images are in use may be different now.
        deps.changed(Change::Images(server));
        announce(deps, server, changes.states).await?;
    }
    Ok(())
}

/// Tells what a look at a server has changed.
pub async fn announce(deps: &Deps, server: ServerId, states: Vec<ContainerChange>) -> Result<(), Failure> {
    deps.changed(Change::Containers(server));
    if states.is_empty() {
        return Ok(());
    }
    let server_name = deps.store.server_name(server).await?;
    let at = deps.store.clock().now();
    let tell = |change| {
        let server_name = server_name.clone();
        deps.changed(Change::ContainerStatus(Arc::new(ContainerStatus {
            server_id: server,
            server_name,
            change,
            at,
        })));
    };
    if states.len() > MOST_EVENTS {
        tell(None);
    } else {
        states.into_iter().map(Some).for_each(tell);
    }
    Ok(())
}

/// A container as the store takes it.
#[must_use]
pub fn seen(container: EngineContainer) -> SeenContainer {
    SeenContainer {
        engine_id: container.id,
        name: container.name,
        image: container.image,
        image_engine_id: container.image_id,
        state: container.state,
        status: container.status,
        ports: container.ports,
        created_at: container.created_at,
    }
}
