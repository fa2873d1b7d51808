use chrono::{DateTime, Utc};
use imagefleet_model::Grant;
use imagefleet_store::User;
use serde::Serialize;

/// A user, without the password's hash.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserView {
    /// Row id.
    id: i64,
    /// The name to log in with.
    username: String,
    /// Whether logging in is refused.
    disabled: bool,
    /// Whether the password was made by the program and not changed yet.
    must_change_password: bool,
    /// What was granted.
    grants: Vec<Grant>,
    /// When the user was made.
    created_at: DateTime<Utc>,
    /// When the user was last changed.
    updated_at: DateTime<Utc>,
    /// When the user last logged in.
    last_login_at: Option<DateTime<Utc>>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            disabled: user.disabled,
            must_change_password: user.must_change_password,
            grants: user.grants,
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_login_at: user.last_login_at,
        }
    }
}
