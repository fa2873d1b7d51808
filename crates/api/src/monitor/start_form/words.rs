use imagefleet_model::FieldError;
use serde::{Deserialize, Serialize};

/// A line as a person types it, or its words.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// Taken apart as a shell would, but nothing in it is ever a shell's: no variables, no globs, no pipes.
    Line(String),
    /// Taken as they are.
    List(Vec<String>),
}

impl Default for Words {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Words {
    /// The words.
    pub fn split(self, field: &str, errors: &mut Vec<FieldError>) -> Vec<String> {
        match self {
            Self::List(words) => words,
            Self::Line(line) => split(&line).unwrap_or_else(|| {
                errors.push(FieldError::new(field, "has a quote that is not closed"));
                Vec::new()
            }),
        }
    }
}

/// Words by blanks, with quotes and backslashes as POSIX says (Shell Command Language, section 2.2); `None` when a
/// quote is not closed.
fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '\\')
                if chars
                    .peek()
                    .is_some_and(|next| matches!(next, '"' | '\\' | '$' | '`')) =>
            {
                word.get_or_insert_default().extend(chars.next());
            }
            (None, '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}
