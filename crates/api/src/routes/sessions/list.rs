use axum::extract::State;
use chrono::{DateTime, Utc};
use imagefleet_model::{Page, Verb};
use serde::{Deserialize, Serialize};

use crate::extract::{Caller, Credential, Json, Paging, Query, Target};
use crate::routes::tokens::list::page_of;
use crate::{AppState, Problem};

/// Which sessions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of everybody, or of `userId`; it needs `user:manage`.
    #[serde(default)]
    all: bool,
    /// Of this user; it needs `user:manage` unless it is you.
    user_id: Option<i64>,
}

/// A session that is open somewhere.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OpenSession)]
pub struct OpenSessionView {
    /// What revoking names; it cannot be used to log in.
    id: String,
    /// Whose it is.
    user_id: i64,
    /// That user's name.
    username: String,
    /// Whether it is the one of this request.
    current: bool,
    /// From where the login came.
    address: String,
    /// The browser's name for itself.
    agent: String,
    /// When the login was.
    created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    last_seen_at: DateTime<Utc>,
    /// When it ends at the latest.
    expires_at: DateTime<Utc>,
}

/// Your open sessions, or everybody's.
#[utoipa::path(
    get, path = "/sessions", tag = "session", operation_id = "listSessions", params(Filter, Paging),
    responses((status = 200, description = "Sessions", body = Page<OpenSessionView>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<OpenSessionView>>, Problem> {
    let user = match (filter.all, filter.user_id) {
        (_, Some(user)) => Some(user),
        (true, None) => None,
        (false, None) => Some(caller.user_id),
    };
    if user != Some(caller.user_id) {
        caller.require(Verb::UserManage, Target::Everything)?;
    }
    let sessions = state.store.sessions(user, state.config.session_idle).await?;
    let page = page_of(sessions, paging.request()?).map(|session| OpenSessionView {
        current: matches!(&caller.credential, Credential::Session { id, .. } if *id == session.public_id),
        id: session.public_id,
        user_id: session.user_id,
        username: session.username,
        address: session.address,
        agent: session.agent,
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        expires_at: session.expires_at,
    });
    Ok(Json(page))
}
