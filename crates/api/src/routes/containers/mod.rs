//! Containers: made from images, and what can be done with those that are there.

pub mod batch;
mod change;
pub mod create;
pub mod delete;
mod detail;
pub mod form;
pub mod kill;
pub mod list;
pub mod logs;
pub mod networks;
pub mod read;
pub mod restart;
mod secrets;
pub mod start;
pub mod stats;
pub mod stop;

use std::sync::Arc;

use imagefleet_engine::Engine;
use imagefleet_model::{Container, ErrorCode, Verb};

use crate::extract::{Caller, Target};
use crate::{AppState, Problem};

/// A container and the familiar repository that rights on it are checked with.
#[derive(Debug, Clone)]
pub struct Found {
    /// The row.
    pub container: Container,
    /// Its image's repository.
    pub repository: String,
}

/// The container of that id, when the caller holds `verb` on it; one that the caller may not see is not there.
pub async fn require(state: &AppState, caller: &Caller, verb: Verb, id: i64) -> Result<Found, Problem> {
    let not_found = || {
        Problem::new(
            ErrorCode::ContainerNotFound,
            format!("There is no container with the id {id}."),
        )
    };
    let container = state.store.container(id).await?.ok_or_else(not_found)?;
    let repository = state
        .store
        .container_repository(id)
        .await?
        .ok_or_else(not_found)?;
    let target = Target::Image(container.server_id, &repository);
    if !caller.may(Verb::ImageView, target) {
        return Err(not_found());
    }
    caller.require(verb, target)?;
    Ok(Found {
        container,
        repository,
    })
}

/// The engine that the container is on.
pub async fn engine_of(state: &AppState, container: &Container) -> Result<Arc<dyn Engine>, Problem> {
    Ok(state
        .operations
        .deps()
        .engines
        .engine(container.server_id)
        .await?)
}
