use axum::extract::State;
use imagefleet_model::{Endpoint, Server, ServerId, Verb};
use imagefleet_operations::Change;
use imagefleet_store::{EngineServer, ServerChange};
use serde::Deserialize;

use super::fields::{self, Faults};
use super::queue::{OffPeakBody, step_limit};
use super::ssh::{self, SshBody};
use super::tls::{self, TlsBody};
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Path, Target, given};
use crate::{AppState, Problem};

/// What to change of a server; what is left out stays as it is.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerPatch {
    /// A new name.
    name: Option<String>,
    /// A new way. A pinned host key is forgotten when it leads to another machine.
    endpoint: Option<String>,
    /// A new text.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// All tags, instead of the present ones.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    tags: Option<Option<Vec<String>>>,
    /// Switch it on or off.
    enabled: Option<bool>,
    /// Hold its queue, or let it go on.
    paused: Option<bool>,
    /// How many changing steps may run there at once; `null` for the program's setting.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    step_limit: Option<Option<u32>>,
    /// When work that can wait is done there; `null` for the program's setting.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<OffPeakBody>)]
    off_peak: Option<Option<OffPeakBody>>,
    /// Change its TLS field by field; `null` forgets all of it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<TlsBody>)]
    tls: Option<Option<TlsBody>>,
    /// Change its SSH field by field; `null` forgets all of it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<SshBody>)]
    ssh: Option<Option<SshBody>>,
}

impl ServerPatch {
    fn check(self, present: &EngineServer) -> Result<ServerChange, Problem> {
        let mut faults = Faults::default();
        let mut change = ServerChange {
            enabled: self.enabled,
            paused: self.paused,
            ..ServerChange::default()
        };
        if let Some(name) = &self.name {
            change.name = faults.take("name", fields::name(name));
        }
        if let Some(endpoint) = &self.endpoint {
            change.endpoint = faults.take("endpoint", fields::endpoint(endpoint));
        }
        if let Some(description) = self.description {
            change.description = faults.take(
                "description",
                fields::description(&description.unwrap_or_default()),
            );
        }
        if let Some(tags) = self.tags {
            change.tags = faults.take("tags", fields::tags(&tags.unwrap_or_default()));
        }
        change.step_limit = match self.step_limit {
            Some(Some(limit)) => faults.take("stepLimit", step_limit(limit)).map(Some),
            other => other,
        };
        change.off_peak = match self.off_peak {
            Some(Some(body)) => body.check(&mut faults).map(Some),
            Some(None) => Some(None),
            None => None,
        };
        let moved = change
            .endpoint
            .as_ref()
            .is_some_and(|endpoint| machine(endpoint) != machine(&present.endpoint));
        let pinned = present.host_key.as_deref().filter(|_| !moved);
        change.ssh = match self.ssh {
            Some(Some(body)) => body.setting(present.ssh.as_ref(), pinned, &mut faults).map(Some),
            Some(None) => Some(None),
            None if moved && present.host_key.is_some() => {
                Some(Some(ssh::shown(present.ssh.clone().unwrap_or_default(), None)))
            }
            None => None,
        };
        let tls_given = matches!(self.tls, Some(Some(_)));
        change.tls = match self.tls {
            Some(Some(body)) => Some(body.setting(present.tls.as_ref(), &mut faults)),
            Some(None) => Some(None),
            None => None,
        };
        let has_tls = match &change.tls {
            Some(tls) => tls.is_some() || tls_given,
            None => present.tls.is_some(),
        };
        if change.endpoint.is_some() || change.tls.is_some() {
            let endpoint = change.endpoint.as_ref().unwrap_or(&present.endpoint);
            tls::check_needed(endpoint, has_tls, &mut faults);
        }
        if change.tls.is_some() || change.ssh.is_some() {
            change.generation = Some(present.generation);
        }
        faults.check()?;
        Ok(change)
    }
}

/// The machine that an endpoint leads to.
fn machine(endpoint: &Endpoint) -> (&str, u16) {
    match endpoint {
        Endpoint::Unix(_) => ("", 0),
        Endpoint::Tcp { host, port } | Endpoint::Tcps { host, port } | Endpoint::Ssh { host, port, .. } => {
            (host, *port)
        }
    }
}

/// Change a server. Secrets are replaced only when they are given.
#[utoipa::path(
    patch, path = "/servers/{id}", tag = "servers", operation_id = "updateServer", params(("id" = i64, Path)),
    request_body = ServerPatch, responses((status = 200, description = "The server now", body = Server)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ServerId>,
    Json(body): Json<ServerPatch>,
) -> Result<Json<Server>, Problem> {
    let before = state.store.existing_server(id, &caller.access).await?;
    caller.audit(
        AuditNote::new("server.update", &before.name)
            .on(id, &before.name)
            .detail(body.told()),
    );
    caller.require(Verb::ServerManage, Target::WholeServer(id))?;
    let present = state.store.server_for_engine(id).await?;
    let change = body.check(&present)?;
    state.store.update_server(id, change).await?;
    state.watches.ring();
    // What its queue waited for may be gone.
    state.operations.wake();
    state.operations.deps().changed(Change::Server(id));
    // As the caller sees it: its counts are those of their own rights.
    Ok(Json(state.store.existing_server(id, &caller.access).await?))
}

impl ServerPatch {
    /// Which fields are given, for the audit log; never a value.
    fn told(&self) -> String {
        let fields = [
            ("name", self.name.is_some()),
            ("endpoint", self.endpoint.is_some()),
            ("description", self.description.is_some()),
            ("tags", self.tags.is_some()),
            ("enabled", self.enabled.is_some()),
            ("paused", self.paused.is_some()),
            ("stepLimit", self.step_limit.is_some()),
            ("offPeak", self.off_peak.is_some()),
            ("tls", self.tls.is_some()),
            ("ssh", self.ssh.is_some()),
        ];
        let given: Vec<&str> = fields
            .iter()
            .filter(|(_, given)| *given)
            .map(|(name, _)| *name)
            .collect();
        given.join(", ")
    }
}
