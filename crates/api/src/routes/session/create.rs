use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use imagefleet_model::ErrorCode;
use imagefleet_store::NewSession;
use serde::Deserialize;
use uuid::Uuid;

use super::SessionView;
use crate::audit::{AuditNote, Trail};
use crate::auth::{hash_of, new_secret};
use crate::extract::{Caller, Credential, Json};
use crate::middleware::SESSION_COOKIE;
use crate::peer::Peer;
use crate::{AppState, Problem};

/// What a login needs.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginBody {
    /// The user's name.
    username: String,
    /// The user's password.
    password: String,
}

/// Log in. Sets the session cookie. After several wrong passwords the account and the address have to wait.
#[utoipa::path(
    post, path = "/session", tag = "session", operation_id = "logIn", security(()),
    request_body = LoginBody,
    responses(
        (status = 200, description = "Logged in", body = SessionView),
        (status = 401, description = "User name or password is wrong (`bad_credentials`)"),
        (status = 429, description = "Too many attempts; `Retry-After` tells the seconds to wait"),
    ),
)]
pub async fn handler(
    State(state): State<AppState>,
    Extension(trail): Extension<Trail>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    jar: CookieJar,
    Json(body): Json<LoginBody>,
) -> Result<(CookieJar, Json<SessionView>), Problem> {
    let shown: String = body.username.chars().take(64).collect();
    trail.user(&shown);
    trail.note(AuditNote::new("session.login", shown));
    let user_id = check(&state, peer, &body).await?;

    // Whatever session the browser had before is not carried on: the id is new at every login.
    if let Some(old) = jar.get(SESSION_COOKIE)
        && let Some(old) = state
            .store
            .session(&hash_of(old.value()), state.config.session_idle)
            .await?
    {
        state.store.end_session(&old.public_id, None).await?;
        state.rights_changed();
    }
    let secret = new_secret();
    let expires_at = state.now() + state.config.session_lifetime;
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    let session = NewSession {
        hash: hash_of(&secret),
        public_id: Uuid::now_v7().to_string(),
        user_id,
        address: peer.address.to_string(),
        agent: agent.unwrap_or_default().chars().take(200).collect(),
        expires_at,
    };
    let id = session.public_id.clone();
    state.store.open_session(session).await?;
    let user = state
        .store
        .user(user_id)
        .await?
        .ok_or_else(|| Problem::not_found("user"))?;
    let caller = Caller {
        user_id,
        username: user.username,
        access: state.store.access(user_id).await?,
        address: peer.address,
        credential: Credential::Session { id, expires_at },
        must_change_password: user.must_change_password,
        trail,
    };
    let view = SessionView::of(&state, &caller).await?;
    let cookie = Cookie::build((SESSION_COOKIE, secret))
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(peer.secure)
        .path("/")
        .build();
    Ok((jar.add(cookie), Json(view)))
}

/// The user of these credentials.
async fn check(state: &AppState, peer: Peer, body: &LoginBody) -> Result<i64, Problem> {
    let row = state.store.login_row(&body.username).await?;
    // One at a time, and counted before the next: a thousand at once are no way around the brake.
    let _turn = state.throttle.turn().await;
    if let Some(wait) = state.throttle.wait(&body.username, peer.address, state.now()) {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        return Err(Problem::new(
            ErrorCode::TooManyRequests,
            format!("Too many wrong passwords; wait {seconds} s."),
        )
        .with_header(header::RETRY_AFTER, HeaderValue::from(seconds)));
    }
    let hash = row.as_ref().map(|row| row.password_hash.clone());
    let matches = state.passwords.verify(&body.password, hash).await?;
    let user = row.filter(|row| matches && !row.disabled);
    let Some(user) = user else {
        state.throttle.failed(&body.username, peer.address, state.now());
        return Err(Problem::new(
            ErrorCode::BadCredentials,
            "User name or password is wrong.",
        ));
    };
    state.throttle.succeeded(&user.username);
    Ok(user.id)
}
