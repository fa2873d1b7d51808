use std::collections::HashSet;

use imagefleet_model::Endpoint;

use crate::FieldError;

const LONGEST_NAME: usize = 64;
const LONGEST_TAG: usize = 64;
const MOST_TAGS: usize = 32;
const LONGEST_DESCRIPTION: usize = 2000;

/// Gathers what is wrong, so that a form can show all of it at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldError>);

impl Faults {
    /// That field is wrong.
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// The value, or what is wrong with it noted.
    pub fn take<T>(&mut self, field: &str, result: Result<T, String>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(message) => {
                self.add(field, message);
                None
            }
        }
    }

    /// Fails when anything was wrong.
    pub fn check(self) -> Result<(), crate::Problem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(crate::Problem::fields(self.0))
        }
    }
}

/// A server's name.
pub fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let length = name.chars().count();
    if !(1..=LONGEST_NAME).contains(&length) || name.chars().any(char::is_control) {
        return Err(format!("must have 1 to {LONGEST_NAME} printable characters"));
    }
    Ok(name.to_owned())
}

/// The way to its engine.
pub fn endpoint(text: &str) -> Result<Endpoint, String> {
    text.trim()
        .parse()
        .map_err(|error: imagefleet_model::InvalidEndpoint| error.0)
}

/// Free text.
pub fn description(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().count() > LONGEST_DESCRIPTION {
        return Err(format!("must have at most {LONGEST_DESCRIPTION} characters"));
    }
    Ok(text.to_owned())
}

/// Words to find and to grant by, each once.
pub fn tags(texts: &[String]) -> Result<Vec<String>, String> {
    let mut seen = HashSet::new();
    let mut tags = Vec::new();
    for text in texts {
        let tag = text.trim();
        let length = tag.chars().count();
        if !(1..=LONGEST_TAG).contains(&length) || tag.chars().any(|c| c.is_control() || "\"\\,".contains(c))
        {
            return Err(format!(
                "a tag has 1 to {LONGEST_TAG} characters, none of them a quote, a backslash or a comma"
            ));
        }
        if seen.insert(tag.to_owned()) {
            tags.push(tag.to_owned());
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(format!("must be at most {MOST_TAGS}"));
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::{name, tags};

    #[test]
    fn names_and_tags() {
        assert_eq!(name("  上海-1 ").as_deref(), Ok("上海-1"));
        assert!(name(" ").is_err() && name("a\nb").is_err() && name(&"x".repeat(65)).is_err());
        let given = ["prod".to_owned(), " prod ".to_owned(), "东区".to_owned()];
        assert_eq!(tags(&given), Ok(vec!["prod".to_owned(), "东区".to_owned()]));
        for bad in ["", "a\"b", "a\\b", "a,b", "a\u{7}"] {
            assert!(tags(&[bad.to_owned()]).is_err(), "{bad:?} was taken");
        }
    }
}
