use axum::extract::State;
use imagefleet_model::Verb;
use imagefleet_operations::registry::RegistryClient;
use imagefleet_store::RegistryAccount;
use serde::Serialize;

use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Path, Target};
use crate::{AppState, Problem};

/// Whether a registry answers and takes the account, or what is wrong.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryTest {
    /// Whether it can be worked with.
    pub ok: bool,
    /// `registry_name_unresolved`, `registry_unreachable`, `registry_tls_failed`, `bad_credentials`,
    /// `registry_denied`, `not_a_registry`, `rate_limited`.
    pub code: Option<String>,
    /// What is wrong, for people.
    pub message: Option<String>,
    /// What to check.
    pub hint: Option<String>,
}

/// Ask a registry whether it takes the account. The answer is 200 either way: `ok` tells.
#[utoipa::path(
    post, path = "/registries/{id}/test", tag = "registries", operation_id = "testRegistry",
    params(("id" = i64, Path)), responses((status = 200, description = "What came of it", body = RegistryTest)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<RegistryTest>, Problem> {
    caller.require(Verb::RegistryManage, Target::Everything)?;
    let account = state.store.registry_account(id).await?;
    caller.audit(AuditNote::new("registry.test", account.registry.name.clone()));
    Ok(Json(ask(&account).await))
}

/// Asks.
pub async fn ask(account: &RegistryAccount) -> RegistryTest {
    let outcome = match RegistryClient::new(account) {
        Ok(client) => client.check().await,
        Err(failure) => Err(failure),
    };
    let told = outcome.err().map(|failure| failure.info());
    RegistryTest {
        ok: told.is_none(),
        code: told.as_ref().map(|told| told.code.clone()),
        message: told.as_ref().map(|told| told.message.clone()),
        hint: told.and_then(|told| told.hint),
    }
}
