use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use imagefleet_model::{Grant, Right, Verb};
use serde::Serialize;

use crate::extract::{Caller, Credential};
use crate::{AppState, Problem};

/// Who is logged in, and what they may do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionView {
    /// The user.
    pub user: SessionUser,
    /// What was granted to the user.
    pub grants: Vec<Grant>,
    /// Every verb, and whether it is held anywhere.
    pub permissions: BTreeMap<&'static str, bool>,
    /// The grants as they hold now, verb by verb; a token's narrower scope is taken into account.
    pub rights: Vec<Right>,
    /// When the session (or the token) ends at the latest.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A user as the session shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionUser {
    /// Row id.
    pub id: i64,
    /// The name.
    pub username: String,
    /// Whether the password was made by the program and should be changed.
    pub must_change_password: bool,
}

impl SessionView {
    /// Of this caller.
    pub async fn of(state: &AppState, caller: &Caller) -> Result<Self, Problem> {
        let user = state.store.user(caller.user_id).await?;
        let permissions = Verb::ALL
            .iter()
            .map(|verb| (verb.as_str(), caller.access.holds(*verb)))
            .collect();
        let expires_at = match &caller.credential {
            Credential::Session { expires_at, .. } => Some(*expires_at),
            Credential::Token { expires_at, .. } => *expires_at,
        };
        Ok(Self {
            user: SessionUser {
                id: caller.user_id,
                username: caller.username.clone(),
                must_change_password: caller.must_change_password,
            },
            grants: user.map(|user| user.grants).unwrap_or_default(),
            permissions,
            rights: caller.access.rights(),
            expires_at,
        })
    }
}
