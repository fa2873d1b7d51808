use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use imagefleet_model::ErrorCode;
use serde::de::DeserializeOwned;

use crate::Problem;

/// The variable parts of a path. What cannot be one (a word where a number stands) is 404: there is no such thing.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let nothing = || Problem::new(ErrorCode::NotFound, "There is nothing under this id.");
        // No id holds NUL, and PostgreSQL takes no text with it.
        if parts.uri.path().contains("%00") {
            return Err(nothing());
        }
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| nothing())
    }
}
