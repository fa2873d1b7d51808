use axum::extract::State;

use super::{UserView, require};
use crate::extract::{Caller, Json, Path};
use crate::{AppState, Problem};

/// One user.
#[utoipa::path(
    get, path = "/users/{id}", tag = "users", operation_id = "readUser", params(("id" = i64, Path)),
    responses((status = 200, description = "The user", body = UserView)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<UserView>, Problem> {
    require(&caller)?;
    let user = state
        .store
        .user(id)
        .await?
        .ok_or_else(|| Problem::not_found("user"))?;
    Ok(Json(user.into()))
}
