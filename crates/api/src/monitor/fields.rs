use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

use crate::Problem;
use crate::extract::parse_json;

/// What a client of the Monitor API sent, in the query, in a JSON body or as parts of a form: all mean the same, and
/// numbers may come as texts. What the body says wins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// From a query string; a name that is there several times is a list.
    pub fn of_query(query: Option<&str>) -> Self {
        let mut fields = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            fields.add(&name, &value);
        }
        fields
    }

    /// Adds one value; a second of the same name makes a list.
    pub fn add(&mut self, name: &str, value: &str) {
        // As some clients write lists in a form.
        let name = name.strip_suffix("[]").unwrap_or(name);
        // No text of ours holds NUL, and PostgreSQL takes none with it.
        let value = value.replace('\0', "");
        match self.0.get_mut(name) {
            Some(Value::Array(all)) => all.push(value.into()),
            Some(first) => *first = Value::Array(vec![first.take(), value.into()]),
            None => {
                self.0.insert(name.to_owned(), value.into());
            }
        }
    }

    /// Of a whole request: the query, and over it the body, JSON or a form.
    pub fn of_request(query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let fields = Self::of_query(query);
        let kind = headers.get(header::CONTENT_TYPE);
        if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded")) {
            let form = std::str::from_utf8(body).ok();
            return Ok(fields.with(Self::of_query(form)));
        }
        fields.with_body(body)
    }

    /// Lays a JSON body over what is there. Nothing at all is an empty object.
    fn with_body(mut self, body: &[u8]) -> Result<Self, Problem> {
        if !body.trim_ascii().is_empty() {
            let over: Map<String, Value> = parse_json(body)?;
            self.0
                .extend(over.into_iter().filter(|(_, value)| !value.is_null()));
        }
        Ok(self)
    }

    /// Lays others over these.
    pub fn with(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// A text, when there is one.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    }

    /// Whether it is said to be so, in any of the words that forms have for it.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name).as_deref() {
            Some("true" | "1" | "on" | "yes") => Ok(true),
            None | Some("false" | "0" | "off" | "no") => Ok(false),
            Some(_) => Err(Problem::field(name, "must be true or false")),
        }
    }

    /// An id.
    pub fn id(&self, name: &str) -> Result<Option<i64>, Problem> {
        match self.ids(name)?.as_slice() {
            [] => Ok(None),
            [id] => Ok(Some(*id)),
            _ => Err(Problem::field(name, "must be one id")),
        }
    }

    /// Whether it came as a list.
    pub fn is_list(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Value::is_array)
    }

    /// Ids: a list, or a text with commas.
    pub fn ids(&self, name: &str) -> Result<Vec<i64>, Problem> {
        let values = match self.0.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
        };
        let mut ids = Vec::new();
        for value in values {
            match value {
                Value::String(text) => {
                    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
                        ids.push(word.parse().map_err(|_| no_id(name))?);
                    }
                }
                value => ids.push(value.as_i64().ok_or_else(|| no_id(name))?),
            }
        }
        Ok(ids)
    }
}

fn no_id(name: &str) -> Problem {
    Problem::field(name, "must be a number")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, header};

    use super::Fields;

    #[test]
    fn numbers_and_lists_come_in_every_form() {
        let fields = Fields::of_query(Some("serverId=3&imageIds=1,2&imageIds=4&force=true&tag="))
            .with_body(br#"{"imageId":"17","serverIds":[1,"2"],"force":null}"#)
            .expect("good");
        assert_eq!(fields.id("serverId").expect("good"), Some(3));
        assert_eq!(fields.id("imageId").expect("good"), Some(17));
        assert_eq!(fields.ids("imageIds").expect("good"), [1, 2, 4]);
        assert_eq!(fields.ids("serverIds").expect("good"), [1, 2]);
        assert_eq!(fields.flag("force").ok(), Some(true));
        assert_eq!(fields.flag("other").ok(), Some(false));
        assert_eq!(
            (fields.text("tag"), fields.ids("none").expect("good")),
            (None, vec![])
        );
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let form = Fields::of_request(
            Some("serverId=1&force=true"),
            &headers,
            b"serverId=2&imageTag=a%2Bb",
        )
        .expect("good");
        assert_eq!(form.id("serverId").expect("good"), Some(2));
        assert!(form.flag("force").is_ok_and(|force| force));
        assert_eq!(form.text("imageTag").as_deref(), Some("a+b"));
        assert!(form.flag("imageTag").is_err());
        let wrong = Fields::of_query(Some("serverId=x"));
        assert!(wrong.id("serverId").is_err());
        assert!(Fields::default().with_body(b"[1]").is_err());
    }
}
