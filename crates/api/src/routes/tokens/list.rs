use axum::extract::State;
use chrono::{DateTime, Utc};
use imagefleet_model::{Page, PageRequest, Verb};
use imagefleet_store::Token;
use serde::Serialize;

use crate::extract::{Caller, Json, Paging};
use crate::{AppState, Problem};

/// A token without its secret.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub struct TokenView {
    /// Row id.
    id: i64,
    /// What you call it.
    name: String,
    /// Its scope; null for all of your rights.
    verbs: Option<Vec<Verb>>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    last_used_at: Option<DateTime<Utc>>,
    /// When it ends.
    expires_at: Option<DateTime<Utc>>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            verbs: token.verbs,
            created_at: token.created_at,
            last_used_at: token.last_used_at,
            expires_at: token.expires_at,
        }
    }
}

/// Your API tokens, the latest first.
#[utoipa::path(
    get, path = "/tokens", tag = "tokens", operation_id = "listTokens", params(Paging),
    responses((status = 200, description = "Tokens", body = Page<TokenView>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    paging: Paging,
) -> Result<Json<Page<TokenView>>, Problem> {
    let tokens = state.store.tokens(caller.user_id).await?;
    Ok(Json(page_of(tokens, paging.request()?).map(Into::into)))
}

/// A page of a list that is short enough to be read whole.
pub fn page_of<T>(all: Vec<T>, request: PageRequest) -> Page<T> {
    let total = all.len() as u64;
    let skipped = usize::try_from(request.offset()).unwrap_or(usize::MAX);
    let taken = usize::try_from(request.size).unwrap_or(usize::MAX);
    Page::new(
        all.into_iter().skip(skipped).take(taken).collect(),
        total,
        request,
    )
}
