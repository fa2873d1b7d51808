use axum::extract::State;
use imagefleet_model::{Registry, Verb};
use imagefleet_store::RegistryAccount;

use super::create::RegistryBody;
use super::test::{RegistryTest, ask};
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Target};
use crate::{AppState, Problem};

/// Ask a registry whether it takes an account before that is added. Nothing is stored.
#[utoipa::path(
    post, path = "/registries/test", tag = "registries", operation_id = "testNewRegistry",
    request_body = RegistryBody, responses((status = 200, description = "What came of it", body = RegistryTest)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<RegistryBody>,
) -> Result<Json<RegistryTest>, Problem> {
    caller.audit(AuditNote::new("registry.test", &body.name));
    caller.require(Verb::RegistryManage, Target::Everything)?;
    let new = body.check()?;
    let account = RegistryAccount {
        registry: Registry {
            id: 0,
            name: new.name,
            url: new.url,
            host: new.host,
            namespace: new.namespace,
            username: new.username,
            has_password: new.password.is_some(),
            ca: new.ca,
            plain_http: new.plain_http,
            step_limit: None,
            created_at: state.now(),
            updated_at: state.now(),
        },
        password: new.password,
    };
    Ok(Json(ask(&account).await))
}
