use axum::extract::State;
use axum::http::{StatusCode, header};
use imagefleet_model::{Registry, Verb};
use imagefleet_store::{NewRegistry, RegistryChange};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::fields;
use crate::audit::AuditNote;
use crate::extract::{Caller, Json, Target};
use crate::{AppState, FieldError, Problem};

/// A registry account to be added.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryBody {
    /// Unique name.
    pub name: String,
    /// `https://host[:port]`, or `docker.io`.
    #[schema(example = "https://registry.example.com:5000")]
    pub url: String,
    /// The account.
    pub username: Option<String>,
    /// Its password or token. Never returned.
    #[schema(value_type = Option<String>)]
    pub password: Option<SecretString>,
    /// Repositories below which this account is chosen by itself; left out, all of the host.
    #[schema(example = "team")]
    pub namespace: Option<String>,
    /// PEM certificates to trust beside the system's.
    pub ca: Option<String>,
    /// Whether it may be spoken to without TLS. This machine's own registries always may.
    pub plain_http: Option<bool>,
    /// How many steps may pull from or push to its host at once; left out, the program's setting.
    pub step_limit: Option<u32>,
}

impl RegistryBody {
    /// The account, when everything about it is right.
    pub fn check(self) -> Result<NewRegistry, Problem> {
        let plain_http = self.plain_http.unwrap_or_default();
        let namespace = self.namespace.unwrap_or_default();
        let read = (
            fields::name(&self.name),
            fields::address(&self.url, plain_http),
            fields::namespace(&namespace),
            fields::username(self.username),
            fields::ca(self.ca),
        );
        match read {
            (Ok(name), Ok((url, host)), Ok(namespace), Ok(username), Ok(ca)) => Ok(NewRegistry {
                name,
                url,
                host,
                namespace,
                username,
                password: self
                    .password
                    .filter(|password| !password.expose_secret().is_empty()),
                ca,
                plain_http,
            }),
            (name, address, namespace, username, ca) => {
                let faults: Vec<FieldError> = [
                    name.err(),
                    address.err(),
                    namespace.err(),
                    username.err(),
                    ca.err(),
                ]
                .into_iter()
                .flatten()
                .collect();
                Err(Problem::fields(faults))
            }
        }
    }
}

/// Add a registry account. Its password is stored encrypted, with us alone, and goes along with single requests.
#[utoipa::path(
    post, path = "/registries", tag = "registries", operation_id = "createRegistry", request_body = RegistryBody,
    responses((status = 201, description = "Added", body = Registry)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<RegistryBody>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<Registry>), Problem> {
    caller.audit(AuditNote::new("registry.create", &body.name));
    caller.require(Verb::RegistryManage, Target::Everything)?;
    let limit = body.step_limit.map(fields::limit).transpose();
    let limit = limit.map_err(|fault| Problem::fields(vec![fault]))?;
    let mut registry = state.store.create_registry(body.check()?).await?;
    if limit.is_some() {
        let change = RegistryChange {
            step_limit: Some(limit),
            ..RegistryChange::default()
        };
        registry = state.store.update_registry(registry.id, change).await?;
    }
    let location = format!("/api/v1/registries/{}", registry.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(registry),
    ))
}
