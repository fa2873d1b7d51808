use axum::extract::State;
use imagefleet_model::{Registry, Verb};
use imagefleet_store::RegistryChange;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::fields;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Path, Target, given};
use crate::{AppState, FieldError, Problem};

/// What to change of a registry account; what is left out stays, `null` clears.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryPatch {
    /// A new name.
    name: Option<String>,
    /// A new address. The password goes along only when it is given anew, unless the host stays the same.
    url: Option<String>,
    /// A new account.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    username: Option<Option<String>>,
    /// A new password.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    password: Option<Option<SecretString>>,
    /// A new namespace.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    namespace: Option<Option<String>>,
    /// New certificates.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    ca: Option<Option<String>>,
    /// Allow or forbid plain HTTP.
    plain_http: Option<bool>,
    /// How many steps may pull from or push to its host at once; `null` for the program's setting. Of several accounts
    /// on one host the smallest counts.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    step_limit: Option<Option<u32>>,
}

impl RegistryPatch {
    fn check(self, present: &Registry) -> Result<RegistryChange, Problem> {
        let mut faults: Vec<FieldError> = Vec::new();
        let plain_http = self.plain_http.unwrap_or(present.plain_http);
        let mut change = RegistryChange {
            plain_http: self.plain_http,
            password: self
                .password
                .map(|secret| secret.filter(|secret| !secret.expose_secret().is_empty())),
            ..RegistryChange::default()
        };
        if let Some(name) = &self.name {
            change.name = fields::name(name).map_err(|fault| faults.push(fault)).ok();
        }
        if self.url.is_some() || self.plain_http.is_some() {
            let url = self.url.as_deref().unwrap_or(&present.url);
            change.url = fields::address(url, plain_http)
                .map_err(|fault| faults.push(fault))
                .ok();
        }
        if let Some(namespace) = self.namespace {
            let namespace = fields::namespace(&namespace.unwrap_or_default());
            change.namespace = namespace.map_err(|fault| faults.push(fault)).ok();
        }
        if let Some(username) = self.username {
            change.username = fields::username(username)
                .map_err(|fault| faults.push(fault))
                .ok();
        }
        if let Some(ca) = self.ca {
            change.ca = fields::ca(ca).map_err(|fault| faults.push(fault)).ok();
        }
        change.step_limit = match self.step_limit {
            Some(Some(limit)) => fields::limit(limit)
                .map_err(|fault| faults.push(fault))
                .ok()
                .map(Some),
            other => other,
        };
        if !faults.is_empty() {
            return Err(Problem::fields(faults));
        }
        // A password must not follow to another host by a change of the address alone.
        let moved = change.url.as_ref().is_some_and(|(_, host)| *host != present.host);
        if moved && change.password.is_none() {
            change.password = Some(None);
        }
        Ok(change)
    }
}

/// Change a registry account. The password is replaced only when it is given; it does not follow to another host.
#[utoipa::path(
    patch, path = "/registries/{id}", tag = "registries", operation_id = "updateRegistry",
    params(("id" = i64, Path)), request_body = RegistryPatch,
    responses((status = 200, description = "The registry now", body = Registry)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
    Json(body): Json<RegistryPatch>,
) -> Result<Json<Registry>, Problem> {
    caller.require(Verb::RegistryManage, Target::Everything)?;
    let present = state.store.registry(id).await?;
    caller.audit(AuditNote::new("registry.update", present.name.clone()));
    let change = body.check(&present)?;
    let registry = state.store.update_registry(id, change).await?;
    state.operations.wake();
    Ok(Json(registry))
}
