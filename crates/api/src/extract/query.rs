use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::json::field_problem;
use crate::Problem;

/// The query string. A wrong value is 422 `invalid_input` and names its field; what the route does not know is
/// ignored.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        from_query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Reads a query string as `T`. An empty value counts as left out, as a form sends it.
pub fn from_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let given = url::form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty());
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(given)
        .finish();
    let deserializer = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| field_problem(&error.path().to_string(), &error.inner().to_string()))
}
