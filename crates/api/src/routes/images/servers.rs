use imagefleet_model::{ErrorCode, ServerId, ServerStatus, Verb};

use crate::extract::{Caller, Target};
use crate::{AppState, Problem};

/// The same ids, each once, in their order.
#[must_use]
pub fn unique(ids: &[i64]) -> Vec<i64> {
    let mut seen = std::collections::HashSet::new();
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}

/// The servers of a request with their names: each must be there, be enabled, and the caller must hold `verb` on it
/// (for `repository`, when the work is about one).
pub async fn find_servers(
    state: &AppState,
    caller: &Caller,
    verb: Verb,
    ids: &[ServerId],
    repository: Option<&str>,
) -> Result<Vec<(ServerId, String)>, Problem> {
    if ids.is_empty() {
        return Err(Problem::field("serverIds", "must name one server or more"));
    }
    let mut servers = Vec::with_capacity(ids.len());
    for id in unique(ids) {
        let target = match repository {
            Some(repository) => Target::Image(id, repository),
            None => Target::Server(id),
        };
        // First whether it is there at all: an administrator may do everything, also to what does not exist.
        let server = state.store.existing_server(id, &caller.access).await?;
        caller.require(verb, target)?;
        if server.status == ServerStatus::Disabled {
            return Err(Problem::new(
                ErrorCode::ServerDisabled,
                format!("The server {} is disabled.", server.name),
            ));
        }
        servers.push((id, server.name));
    }
    Ok(servers)
}
