use axum::extract::State;
use axum::http::{StatusCode, header};
use imagefleet_model::{Server, Verb};
use imagefleet_operations::Change;
use imagefleet_store::{NewServer, ServerChange};
use serde::Deserialize;

use super::fields::{self, Faults};
use super::queue::{OffPeakBody, step_limit};
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
    /// How many changing steps may run there at once; left out, the program's setting.
    pub step_limit: Option<u32>,
    /// When work that can wait is done there; left out, the program's setting.
    pub off_peak: Option<OffPeakBody>,
    /// For `tcps`.
    pub tls: Option<TlsBody>,
    /// For `ssh`.
    pub ssh: Option<SshBody>,
}

impl ServerBody {
    /// How its queue is to run, taken out of the rest; `None` for the program's settings.
    fn queue(&mut self) -> Result<Option<ServerChange>, Problem> {
        let mut faults = Faults::default();
        let limit = self.step_limit.take();
        let change = ServerChange {
            step_limit: limit
                .and_then(|limit| faults.take("stepLimit", step_limit(limit)))
                .map(Some),
            off_peak: self
                .off_peak
                .take()
                .and_then(|body| body.check(&mut faults))
                .map(Some),
            ..ServerChange::default()
        };
        faults.check()?;
        Ok((change.step_limit.is_some() || change.off_peak.is_some()).then_some(change))
    }

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
    Json(mut body): Json<ServerBody>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<Server>), Problem> {
    caller.audit(AuditNote::new("server.create", &body.name));
    caller.require(Verb::ServerManage, Target::Everything)?;
    let queue = body.queue()?;
    let mut server = state.store.create_server(body.check()?).await?;
    if let Some(change) = queue {
        server = state.store.update_server(server.id, change).await?;
    }
    state.watches.ring();
    state.operations.deps().changed(Change::Server(server.id));
    let location = format!("/api/v1/servers/{}", server.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(server)))
}
