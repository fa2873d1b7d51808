use std::time::Duration;

use imagefleet_engine::Engine;
use imagefleet_model::{Container, ErrorCode, Failure, ServerId, Verb};
use imagefleet_operations::containers::refresh;
use imagefleet_operations::kinds::create_container;
use imagefleet_store::REMOVED;
use serde::Deserialize;

use super::{engine_of, require};
use crate::audit::AuditNote;
use crate::extract::Caller;
use crate::{AppState, Problem};

/// An engine may list a container as it was for a moment after it was changed.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// What can be done with a container that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ContainerChange)]
pub enum Change {
    /// Start it.
    Start,
    /// Stop it, and kill it after the engine's grace time.
    Stop,
    /// Stop and start it.
    Restart,
    /// Kill it at once.
    Kill,
}

impl Change {
    const fn noted(self) -> &'static str {
        match self {
            Self::Start => "container.start",
            Self::Stop => "container.stop",
            Self::Restart => "container.restart",
            Self::Kill => "container.kill",
        }
    }

    /// Whether that state is what the change leads to.
    fn shows_in(self, state: &str) -> bool {
        match self {
            Self::Start | Self::Restart => state == "running",
            Self::Stop | Self::Kill => state != "running",
        }
    }

    async fn ask(self, engine: &dyn Engine, id: &str) -> Result<(), Failure> {
        match self {
            Self::Start => engine.start_container(id).await,
            Self::Stop => engine.stop_container(id).await,
            Self::Restart => engine.restart_container(id).await,
            Self::Kill => engine.kill_container(id).await,
        }
    }
}

/// Does it, and answers the container as it is then.
pub async fn change(
    state: &AppState,
    caller: &Caller,
    change: Change,
    id: i64,
) -> Result<Container, Problem> {
    let container = require(state, caller, Verb::ContainerManage, id).await?.container;
    caller.audit(
        AuditNote::new(change.noted(), &container.name).on(container.server_id, &container.server_name),
    );
    let engine = engine_of(state, &container).await?;
    let outcome = change.ask(engine.as_ref(), &container.engine_id).await;
    look(state, container.server_id, engine.as_ref()).await;
    outcome.map_err(explained)?;
    let mut now = state.store.container(id).await?;
    for _ in 0..LOOKS {
        if now.as_ref().is_none_or(|row| change.shows_in(&row.state)) {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        look(state, container.server_id, engine.as_ref()).await;
        now = state.store.container(id).await?;
    }
    if matches!(change, Change::Start | Change::Restart)
        && let Some(image) = container.image_id
        && let Some(image) = state.store.image(image).await?
    {
        create_container::started(state.operations.deps(), &image).await?;
    }
    // One that was to be removed when it ends is gone.
    Ok(now.unwrap_or_else(|| Container {
        state: REMOVED.to_owned(),
        status: String::new(),
        ports: Vec::new(),
        ..container
    }))
}

/// What is stored becomes true again; when the engine cannot tell, the watcher of the server will see to it.
pub async fn look(state: &AppState, server: ServerId, engine: &dyn Engine) {
    if let Err(failure) = refresh(state.operations.deps(), server, engine).await {
        tracing::warn!(%failure, server, "the containers could not be read after a change");
    }
}

/// A container that is gone is no image that is gone: the engine's words may be the same.
pub fn explained(failure: Failure) -> Problem {
    match failure.code {
        ErrorCode::ContainerNotFound => Problem::new(
            ErrorCode::ContainerNotFound,
            "The container is gone from its server.",
        ),
        _ => failure.into(),
    }
}
