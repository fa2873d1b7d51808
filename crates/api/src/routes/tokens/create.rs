use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use imagefleet_model::Verb;
use imagefleet_store::NewToken;
use serde::{Deserialize, Serialize};

use crate::audit::AuditNote;
use crate::auth::{hash_of, new_token};
use crate::extract::{Caller, Credential, Json};
use crate::{AppState, Problem};

/// A token to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenBody {
    /// What you call it, unique among your tokens.
    name: String,
    /// The moment after which it no longer works; left out, it works until it is revoked.
    expires_at: Option<DateTime<Utc>>,
    /// Only these of your rights; left out, all.
    verbs: Option<Vec<Verb>>,
}

/// A new token with its secret, which is shown this once.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewTokenView {
    /// Row id.
    id: i64,
    /// What you call it.
    name: String,
    /// The secret: send it as `Authorization: Bearer`.
    token: String,
    /// When it ends.
    expires_at: Option<DateTime<Utc>>,
    /// Its scope.
    verbs: Option<Vec<Verb>>,
}

/// Make an API token. Its secret is shown once; it can do what you can do, or less.
#[utoipa::path(
    post, path = "/tokens", tag = "tokens", operation_id = "createToken",
    request_body = TokenBody,
    responses((status = 201, description = "Made", body = NewTokenView)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<TokenBody>,
) -> Result<(StatusCode, Json<NewTokenView>), Problem> {
    caller.audit(AuditNote::new("token.create", &body.name));
    let name = body.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Problem::field("name", "must have 1 to 100 printable characters"));
    }
    if body.expires_at.is_some_and(|at| at <= state.now()) {
        return Err(Problem::field("expiresAt", "lies in the past"));
    }
    let (expires_at, verbs) = within(&state, &caller, body.expires_at, body.verbs).await?;
    let token = new_token();
    let new = NewToken {
        user_id: caller.user_id,
        name: name.clone(),
        hash: hash_of(&token),
        verbs: verbs.clone(),
        expires_at,
    };
    let id = state.store.create_token(new).await?;
    let view = NewTokenView {
        id,
        name,
        token,
        expires_at,
        verbs,
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// A token made with a token can neither do more nor live longer than that one.
async fn within(
    state: &AppState,
    caller: &Caller,
    expires_at: Option<DateTime<Utc>>,
    verbs: Option<Vec<Verb>>,
) -> Result<(Option<DateTime<Utc>>, Option<Vec<Verb>>), Problem> {
    let Credential::Token {
        id,
        expires_at: limit,
    } = caller.credential
    else {
        return Ok((expires_at, verbs));
    };
    let own = state
        .store
        .tokens(caller.user_id)
        .await?
        .into_iter()
        .find(|token| token.id == id);
    let scope = own.and_then(|token| token.verbs);
    let verbs = match (verbs, scope) {
        (Some(mut verbs), Some(scope)) => {
            verbs.retain(|verb| scope.contains(verb));
            Some(verbs)
        }
        (verbs, scope) => verbs.or(scope),
    };
    let expires_at = match (expires_at, limit) {
        (Some(wanted), Some(limit)) => Some(wanted.min(limit)),
        (wanted, limit) => wanted.or(limit),
    };
    Ok((expires_at, verbs))
}
