use imagefleet_model::{Access, Container, ContainerSpec, ErrorCode, Failure, ServerId, Verb};

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
/// be in the way is looked at once more; an engine that does not answer leaves it at what is stored. Another container
/// is named to those alone who may see it.
pub async fn find_conflict(
    deps: &Deps,
    access: &Access,
    server: ServerId,
    server_name: &str,
    spec: &ContainerSpec,
) -> Result<Option<Conflict>, Failure> {
    let known = deps.store.containers_of_server(server).await?;
    if in_the_way(&known, spec).is_none() {
        return Ok(None);
    }
    let engine = deps.engines.engine(server).await?;
    let mut now = known;
    match containers::refresh(deps, server, engine.as_ref()).await {
        Ok(()) => now = deps.store.containers_of_server(server).await?,
        Err(failure) => {
            tracing::debug!(%failure, server, "the containers could not be looked at once more");
        }
    }
    let Some(obstacle) = in_the_way(&now, spec) else {
        return Ok(None);
    };
    let (code, field, message) = match obstacle {
        Obstacle::Name => (
            ErrorCode::ContainerNameTaken,
            "name".to_owned(),
            format!("{server_name} has a container {} already.", spec.name),
        ),
        Obstacle::Port(at, other) => {
            let repository = deps.store.container_repository(other.id).await?;
            let seen = repository.is_some_and(|name| access.on_image(Verb::ImageView, server, &name));
            let holder = if seen {
                format!("the container {}", other.name)
            } else {
                "another container".to_owned()
            };
            let wanted = &spec.ports[at];
            let message = format!(
                "Port {}/{} of {server_name} is in use by {holder}.",
                wanted.host.unwrap_or_default(),
                wanted.protocol.as_str(),
            );
            (ErrorCode::PortInUse, format!("ports[{at}].host"), message)
        }
    };
    Ok(Some(Conflict {
        failure: Failure::new(code, message),
        field,
    }))
}

/// What stands against a form.
enum Obstacle<'a> {
    /// Its name is another's.
    Name,
    /// That port of the form is held by this container.
    Port(usize, &'a Container),
}

fn in_the_way<'a>(known: &'a [Container], spec: &ContainerSpec) -> Option<Obstacle<'a>> {
    if known.iter().any(|other| other.name == spec.name) {
        return Some(Obstacle::Name);
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
        Some(Obstacle::Port(at, other))
    })
}
