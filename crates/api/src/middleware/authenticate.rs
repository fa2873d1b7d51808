use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;
use imagefleet_model::ErrorCode;

use crate::audit::Trail;
use crate::auth::hash_of;
use crate::extract::{Caller, Credential};
use crate::peer::Peer;
use crate::{AppState, Problem};

/// The cookie that carries a session.
pub const SESSION_COOKIE: &str = "imagefleet_session";

/// The one place of authentication for HTTP: nothing under `/api` (and not the metrics) is reached without a caller,
/// except the login and the pages of the documentation.
pub async fn authenticate(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let trail = Trail::default();
    request.extensions_mut().insert(trail.clone());
    if !needs_caller(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>().copied();
    let found = caller_of(&state, request.headers(), peer, trail).await;
    let caller = match found {
        Ok(Some(caller)) => caller,
        Ok(None) => {
            return Problem::new(ErrorCode::Unauthenticated, "Nobody is logged in.")
                .with_header(
                    header::WWW_AUTHENTICATE,
                    axum::http::HeaderValue::from_static("Bearer"),
                )
                .into_response();
        }
        Err(problem) => return problem.into_response(),
    };
    if caller.must_change_password
        && state.config.require_password_change
        && !request.uri().path().starts_with("/api/v1/session")
    {
        return Problem::new(
            ErrorCode::PasswordChangeRequired,
            "The first password is still in place.",
        )
        .into_response();
    }
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(caller);
    response
}

fn needs_caller(method: &Method, path: &str) -> bool {
    if path == "/metrics" {
        return true;
    }
    let login = *method == Method::POST && path == "/api/v1/session";
    let documentation = path == "/api/docs" || path.starts_with("/api/docs/");
    (path == "/api" || path.starts_with("/api/")) && !login && !documentation
}

/// Who sent these headers: the bearer of a token, else the owner of the session cookie. A token that is not valid is
/// nobody, even when a cookie is there.
pub async fn caller_of(
    state: &AppState,
    headers: &HeaderMap,
    peer: Option<Peer>,
    trail: Trail,
) -> Result<Option<Caller>, Problem> {
    let address = peer.map_or(std::net::IpAddr::from([127, 0, 0, 1]), |peer| peer.address);
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        return match token {
            Some(token) => caller_of_token(state, token, address, trail).await,
            None => Ok(None),
        };
    }
    let jar = CookieJar::from_headers(headers);
    match jar.get(SESSION_COOKIE) {
        Some(cookie) => caller_of_session(state, cookie.value(), address, trail).await,
        None => Ok(None),
    }
}

/// The owner of an API token.
pub async fn caller_of_token(
    state: &AppState,
    token: &str,
    address: std::net::IpAddr,
    trail: Trail,
) -> Result<Option<Caller>, Problem> {
    let Some(token) = state.store.token(&hash_of(token)).await? else {
        return Ok(None);
    };
    let mut access = state.store.access(token.user_id).await?;
    if let Some(verbs) = &token.verbs {
        access = access.narrowed(verbs);
    }
    trail.user(&token.username);
    Ok(Some(Caller {
        user_id: token.user_id,
        username: token.username,
        access,
        address,
        credential: Credential::Token {
            id: token.id,
            expires_at: token.expires_at,
        },
        must_change_password: false,
        trail,
    }))
}

async fn caller_of_session(
    state: &AppState,
    cookie: &str,
    address: std::net::IpAddr,
    trail: Trail,
) -> Result<Option<Caller>, Problem> {
    let idle = state.config.session_idle;
    let Some(session) = state.store.session(&hash_of(cookie), idle).await? else {
        return Ok(None);
    };
    let access = state.store.access(session.user_id).await?;
    trail.user(&session.username);
    Ok(Some(Caller {
        user_id: session.user_id,
        username: session.username,
        access,
        address,
        credential: Credential::Session {
            id: session.public_id,
            expires_at: session.expires_at,
        },
        must_change_password: session.must_change_password,
        trail,
    }))
}
