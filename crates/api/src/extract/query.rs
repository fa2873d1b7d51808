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

/// Reads a query string as `T`. An empty value counts as left out, as a form sends it; a name that is there several
/// times is a list, as with commas.
pub fn from_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let mut given: Vec<(String, String)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        // As some clients write lists.
        let name = name.strip_suffix("[]").unwrap_or(&name);
        if value.contains('\0') {
            return Err(field_problem(name, "must not hold the character NUL"));
        }
        match given.iter_mut().find(|(known, _)| known == name) {
            _ if value.is_empty() => {}
            Some((_, list)) => list.extend([",", &value]),
            None => given.push((name.to_owned(), value.into_owned())),
        }
    }
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(given)
        .finish();
    let deserializer = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| field_problem(&error.path().to_string(), &error.inner().to_string()))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::from_query;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Asked {
        q: Option<String>,
        server: Option<String>,
        page: Option<u64>,
    }

    #[test]
    fn lists_come_in_every_form_and_what_is_empty_is_left_out() {
        let read = |query| from_query::<Asked>(query).expect("taken");
        for query in [
            "server=1,2",
            "server=1&server=2",
            "server[]=1&server=&server[]=2&page=",
        ] {
            assert_eq!(read(query).server.as_deref(), Some("1,2"), "{query}");
        }
        assert_eq!(read("q=a%26b+c&other=1&other=2").q.as_deref(), Some("a&b c"));
        let twice = from_query::<Asked>("page=1&page=2")
            .expect_err("no number")
            .body(None);
        assert_eq!(twice.detail, "page: must be a whole number");
    }
}
