use axum::extract::State;
use imagefleet_model::Verb;
use imagefleet_store::EngineServer;
use serde::Deserialize;

use super::create::ServerBody;
use super::ssh::SshBody;
use super::test::{ServerTest, ask};
use super::tls::TlsBody;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Target};
use crate::{AppState, Problem};

/// The way to a server that is not stored.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WayBody {
    /// `unix:///path`, `tcp://host:port`, `tcps://host:port` or `ssh://user@host[:port]`.
    endpoint: String,
    /// For `tcps`.
    tls: Option<TlsBody>,
    /// For `ssh`.
    ssh: Option<SshBody>,
}

/// Try the way to a server before it is added. Nothing is stored; the answer is 200 either way: `ok` tells.
#[utoipa::path(
    post, path = "/servers/test", tag = "servers", operation_id = "testNewServer", request_body = WayBody,
    responses((status = 200, description = "What came of it", body = ServerTest)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<WayBody>,
) -> Result<Json<ServerTest>, Problem> {
    // Not the endpoint: what is not checked yet may hold a password.
    caller.audit(AuditNote::new("server.test", "a new server"));
    caller.require(Verb::ServerManage, Target::Everything)?;
    let body = ServerBody {
        name: "new".to_owned(),
        endpoint: body.endpoint,
        description: None,
        tags: None,
        enabled: None,
        step_limit: None,
        off_peak: None,
        tls: body.tls,
        ssh: body.ssh,
    };
    let new = body.check()?;
    let server = EngineServer {
        id: 0,
        name: new.name,
        enabled: true,
        generation: 0,
        endpoint: new.endpoint,
        tls: new.tls.map(|tls| tls.secrets),
        host_key: new.ssh.as_ref().and_then(|ssh| ssh.info.host_key.clone()),
        ssh: new.ssh.map(|ssh| ssh.secrets),
    };
    Ok(Json(ask(&state, &server).await.1))
}
