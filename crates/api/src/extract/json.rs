use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use imagefleet_model::ErrorCode;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::Problem;

/// A JSON body, read and written. What is no JSON is 400 `invalid_body`; what is JSON but not what the route reads is
/// 422 `invalid_input` and names the field.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

/// A JSON body that may be left out: then every field has its default.
#[derive(Debug, Clone, Copy)]
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_content_type(request.headers())?;
        let bytes = read(request, state).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let typed = check_content_type(request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        typed?;
        parse(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(ErrorCode::BodyTooLarge, "The body is larger than 2 MiB.")
        } else {
            Problem::new(ErrorCode::InvalidBody, "The body could not be read to its end.")
        }
    })
}

/// A missing type is taken as JSON; another one is refused, so that a form of a foreign page cannot pass as JSON.
fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let essence = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem::new(
        ErrorCode::InvalidBody,
        "This route reads JSON: send it with Content-Type: application/json.",
    ))
}

/// Reads JSON text as `T`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if holds_nul(bytes) {
        let whole: Value = serde_json::from_slice(bytes).map_err(|error| not_json(&error))?;
        let field = nul_in(&whole).filter(|field| !field.is_empty());
        return Err(Problem::field(
            field.as_deref().unwrap_or("body"),
            "must not hold the character NUL",
        ));
    }
    // A list would be read as the fields in their order, which nobody has promised.
    if bytes.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| not_json(&error))?;
        return Err(Problem::field("body", "must be an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            field_problem(&path, &inner.to_string())
        } else if serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
            // Where a word of a list is wanted, the reader calls every other value a mistake of the JSON.
            field_problem(&path, "must be one of the words that the API lists for it")
        } else {
            not_json(&inner)
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// Whether a text inside holds NUL, which no name, text or path can, and `PostgreSQL` does not keep.
fn holds_nul(json: &[u8]) -> bool {
    let escaped = br"\u0000";
    json.windows(escaped.len()).enumerate().any(|(at, part)| {
        let before = json[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        part == escaped && before % 2 == 0
    })
}

/// Where the first text with NUL stands (`list[0].field`); empty when that is the whole, or its name.
fn nul_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, item)| Some(below(&format!("[{at}]"), &nul_in(item)?))),
        Value::Object(fields) => fields.iter().find_map(|(name, item)| {
            if name.contains('\0') {
                return Some(String::new());
            }
            Some(below(name, &nul_in(item)?))
        }),
        _ => None,
    }
}

fn below(name: &str, rest: &str) -> String {
    match rest {
        "" => name.to_owned(),
        index if index.starts_with('[') => format!("{name}{index}"),
        field => format!("{name}.{field}"),
    }
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(
        ErrorCode::InvalidBody,
        format!("The body is not valid JSON: {error}."),
    )
}

/// The problem of a value that serde refused at `path`. A missing or unknown field is reported by its parent: the
/// name stands in the message then.
pub fn field_problem(path: &str, message: &str) -> Problem {
    let message = message.split(" at line ").next().unwrap_or(message);
    let path = if path == "." { "" } else { path };
    let named = ["missing field `", "unknown field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next());
    let field = match named {
        Some(name) if path.is_empty() => name.to_owned(),
        // For an unknown field the path already ends with it.
        Some(name) if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        Some(name) => format!("{path}.{name}"),
        None if path.is_empty() => "body".to_owned(),
        None => path.to_owned(),
    };
    let message = match named {
        Some(_) if message.starts_with("missing") => "is required",
        Some(_) => "is not known here",
        None => return Problem::field(field, plain(message)),
    };
    Problem::field(field, message)
}

/// What serde says of a value of the wrong kind, without the words of this language.
fn plain(message: &str) -> String {
    let expected = match message.split_once("expected ") {
        Some((_, expected)) => expected,
        None if message.contains("invalid digit") || message.starts_with("number too") => "i64",
        None if message.contains("`true` or `false`") => "a boolean",
        None => return message.to_owned(),
    };
    let kind = match expected {
        "a string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "u16" => "a whole number from 0 to 65535",
        "i64" | "u64" | "i32" | "u32" | "usize" => "a whole number",
        "f64" | "f32" => "a number",
        text if text.starts_with("struct ") => "an object",
        _ => return message.to_owned(),
    };
    format!("must be {kind}")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::parse;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its reading is tried")]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its reading is tried")]
        port: u16,
    }

    fn problem(text: &str) -> (String, Vec<String>) {
        let problem = parse::<Outer>(text.as_bytes()).expect_err("refused");
        let body = problem.body(None);
        (
            body.code,
            body.errors.into_iter().map(|error| error.field).collect(),
        )
    }

    #[test]
    fn names_the_field() {
        let invalid = "invalid_input".to_owned();
        assert_eq!(problem("{}"), (invalid.clone(), vec!["inner".to_owned()]));
        assert_eq!(
            problem(r#"{"inner":[{"port":70000}]}"#),
            (invalid.clone(), vec!["inner[0].port".to_owned()])
        );
        assert_eq!(
            problem(r#"{"inner":[{}]}"#),
            (invalid.clone(), vec!["inner[0].port".to_owned()])
        );
        assert_eq!(
            problem(r#"{"inner":[{"port":1,"x":1}]}"#),
            (invalid.clone(), vec!["inner[0].x".to_owned()])
        );
        assert_eq!(problem("[]"), (invalid, vec!["body".to_owned()]));
    }

    #[test]
    fn speaks_of_values_as_people_do() {
        for (text, said) in [
            ("[]", "body: must be an object"),
            (r#" [[{"port":1}]]"#, "body: must be an object"),
            (r#"{"inner":"x"}"#, "inner: must be a list"),
            (
                r#"{"inner":[{"port":"x"}]}"#,
                "inner[0].port: must be a whole number from 0 to 65535",
            ),
            (
                r#"{"inner":[{"port":-1}]}"#,
                "inner[0].port: must be a whole number from 0 to 65535",
            ),
        ] {
            let problem = parse::<Outer>(text.as_bytes()).expect_err("refused");
            assert_eq!(problem.detail(), said, "{text}");
        }
    }

    #[test]
    fn a_word_of_a_list_is_a_field_like_others() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Word {
            Tcp,
        }
        #[derive(Debug, Deserialize)]
        struct Outer {
            #[expect(dead_code, reason = "only its reading is tried")]
            ports: Vec<Word>,
        }
        for value in ["null", "5", "true", r#""udp""#, "[1]", "{}"] {
            let text = format!(r#"{{"ports":["tcp",{value}]}}"#);
            let refused = parse::<Outer>(text.as_bytes()).expect_err("refused").body(None);
            assert_eq!(
                (refused.code.as_str(), refused.errors[0].field.as_str()),
                ("invalid_input", "ports[1]"),
                "{value}"
            );
        }
        let broken = parse::<Outer>(br#"{"ports":["tcp",}"#).expect_err("refused");
        assert_eq!(broken.body(None).code, "invalid_body");
    }

    #[test]
    fn nul_is_refused_and_what_looks_like_it_is_not() {
        let problem = |text: &str| parse::<String>(text.as_bytes()).is_err();
        assert!(problem(r#""a\u0000b""#) && problem(r#""\\\u0000""#));
        assert!(!problem(r#""\\u0000""#) && !problem(r#""\u0001""#));
        for (text, said) in [
            (
                r#"{"a":[{"b":1},{"b":"x\u0000"}]}"#,
                "a[1].b: must not hold the character NUL",
            ),
            (r#"{"a\u0000":1}"#, "body: must not hold the character NUL"),
        ] {
            let refused = parse::<Outer>(text.as_bytes()).expect_err("refused");
            assert_eq!(refused.detail(), said, "{text}");
        }
    }

    #[test]
    fn tells_broken_json_apart() {
        for text in ["", "{", "[", r#"{"inner":[]} x"#, "nonsense"] {
            assert_eq!(problem(text).0, "invalid_body", "{text}");
        }
    }
}
