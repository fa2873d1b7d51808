use imagefleet_model::{Container, ContainerSpec, ErrorCode, Failure, ServerId};

use crate::containers;
use crate::context::Deps;

/// Why a container cannot be created on a server, told by the containers that are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What the engine would say.
    pub failure: Failure,
    /// The field of the form that is to blame.
    pub field: String,
}

/// Whether the form gets along with the containers of a server. What is stored may be a moment old, so what seems to
/// be in the way is looked at once more; an engine that does not answer leaves it at what is stored.
pub async fn find_conflict(
    deps: &Deps,
    server: ServerId,
    server_name: &str,
    spec: &ContainerSpec,
) -> Result<Option<Conflict>, Failure> {
    let known = deps.store.containers_of_server(server).await?;
    let Some(found) = conflict(&known, server_name, spec) else {
        return Ok(None);
    };
    let engine = deps.engines.engine(server).await?;
    if let Err(failure) = containers::refresh(deps, server, engine.as_ref()).await {
        tracing::debug!(%failure, server, "the containers could not be looked at once more");
        return Ok(Some(found));
    }
    let known = deps.store.containers_of_server(server).await?;
    Ok(conflict(&known, server_name, spec))
}

fn conflict(known: &[Container], server_name: &str, spec: &ContainerSpec) -> Option<Conflict> {
    if known.iter().any(|other| other.name == spec.name) {
        return Some(Conflict {
            failure: Failure::new(
                ErrorCode::ContainerNameTaken,
                format!("{server_name} has a container {} already.", spec.name),
            ),
            field: "name".to_owned(),
        });
    }
    // Without a start nothing is published yet, and with the host's network nothing ever is.
    if !spec.start || spec.network_mode == "host" {
        return None;
    }
    let running = || {
        known
            .iter()
            .filter(|other| matches!(other.state.as_str(), "running" | "paused" | "restarting"))
    };
    spec.ports.iter().enumerate().find_map(|(at, wanted)| {
        let other = running().find(|other| other.ports.iter().any(|port| wanted.collides(port)))?;
        Some(Conflict {
            failure: Failure::new(
                ErrorCode::PortInUse,
                format!(
                    "Port {}/{} of {server_name} is in use by the container {}.",
                    wanted.host.unwrap_or_default(),
                    wanted.protocol.as_str(),
                    other.name
                ),
            ),
            field: format!("ports[{at}].host"),
        })
    })
}
