use axum::extract::State;
use axum::http::{StatusCode, header};
use imagefleet_model::{Server, Verb};
use imagefleet_operations::Event;
use imagefleet_store::NewServer;
use serde::Deserialize;

use super::fields::{self, Faults};
use super::ssh::SshBody;
use super::tls::{self, TlsBody};
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Target};
use crate::{AppState, Problem};

/// A server to be added.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerBody {
    /// Unique name.
    #[schema(example = "web-1")]
    pub name: String,
    /// `unix:///path`, `tcp://host:port`, `tcps://host:port` or `ssh://user@host[:port]`.
    #[schema(example = "unix:///var/run/docker.sock")]
    pub endpoint: String,
    /// Free text.
    pub description: Option<String>,
    /// Words to find and to grant by.
    pub tags: Option<Vec<String>>,
    /// Whether it is worked with; true when left out.
    pub enabled: Option<bool>,
    /// For `tcps`.
    pub tls: Option<TlsBody>,
    /// For `ssh`.
    pub ssh: Option<SshBody>,
}

impl ServerBody {
    /// The server, when everything about it is right.
    pub fn check(self) -> Result<NewServer, Problem> {
        let mut faults = Faults::default();
        let name = faults.take("name", fields::name(&self.name));
        let endpoint = faults.take("endpoint", fields::endpoint(&self.endpoint));
        let description = self.description.unwrap_or_default();
        let description = faults.take("description", fields::description(&description));
        let tags = faults.take("tags", fields::tags(&self.tags.unwrap_or_default()));
        let tls_given = self.tls.is_some();
        let tls = self.tls.and_then(|tls| tls.setting(None, &mut faults));
        if let Some(endpoint) = &endpoint {
            // What is wrong with given TLS was said already.
            tls::check_needed(endpoint, tls.is_some() || tls_given, &mut faults);
        }
        let ssh = self.ssh.and_then(|ssh| ssh.setting(None, None, &mut faults));
        faults.check()?;
        match (name, endpoint, description, tags) {
            (Some(name), Some(endpoint), Some(description), Some(tags)) => Ok(NewServer {
                name,
                endpoint,
                description,
                tags,
                enabled: self.enabled.unwrap_or(true),
                tls,
                ssh,
            }),
            _ => Err(Problem::field("body", "is not complete")),
        }
    }
}

/// Add a server. It is looked at at once; whether its engine answers stands in its `status` a moment later.
#[utoipa::path(
    post, path = "/servers", tag = "servers", operation_id = "createServer", request_body = ServerBody,
    responses((status = 201, description = "Added", body = Server)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<ServerBody>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<Server>), Problem> {
    caller.audit(AuditNote::new("server.create", &body.name));
    caller.require(Verb::ServerManage, Target::Everything)?;
    let server = state.store.create_server(body.check()?).await?;
    state.watches.ring();
    state.operations.deps().announce(Event::ServerChanged(server.id));
    let location = format!("/api/v1/servers/{}", server.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(server)))
}
