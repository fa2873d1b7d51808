use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
pub use imagefleet_model::FieldError;
use imagefleet_model::{ErrorCode, ErrorInfo, Failure};
use imagefleet_store::StoreError;
use serde::Serialize;

/// An error as every client of the native API meets it (RFC 9457, `application/problem+json`).
///
/// It travels in the response's extensions too: the outermost layer writes the request id into it, and the Monitor
/// API turns it into its own envelope.
#[derive(Debug, Clone)]
pub struct Problem {
    code: ErrorCode,
    detail: String,
    errors: Vec<FieldError>,
    headers: HeaderMap,
    /// Instead of the code's own.
    status: Option<StatusCode>,
}

/// The JSON of a problem.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Always `about:blank`: `code` tells what it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A sentence for people.
    pub detail: String,
    /// A stable word for programs.
    pub code: String,
    /// What to check, where we know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Which fields of the request are wrong, when that is the matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The request, as the program's log names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem of that kind with a sentence for people.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: HeaderMap::new(),
            status: None,
        }
    }

    /// A field of the request is wrong (422 `invalid_input`).
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        Self::fields(vec![FieldError { field, message }])
    }

    /// Fields of the request are wrong (422 `invalid_input`).
    #[must_use]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let sentences: Vec<String> = errors
            .iter()
            .map(|error| format!("{}: {}", error.field, error.message))
            .collect();
        let mut problem = Self::new(ErrorCode::InvalidInput, sentences.join("; "));
        problem.errors = errors;
        problem
    }

    /// No such thing, or not visible to this caller: both look the same.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("There is no such {what}."))
    }

    /// The same problem about that field too.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        let message = self.detail.clone();
        self.errors.push(FieldError {
            field: field.into(),
            message,
        });
        self
    }

    /// The same problem with its fields as another surface names them.
    #[must_use]
    pub fn renaming(mut self, names: &[(&str, &str)]) -> Self {
        for error in &mut self.errors {
            let Some((name, other)) = names.iter().find(|(name, _)| *name == error.field) else {
                continue;
            };
            if let Some(rest) = self.detail.strip_prefix(&format!("{name}: ")) {
                self.detail = format!("{other}: {rest}");
            }
            (*other).clone_into(&mut error.field);
        }
        self
    }

    /// The same problem with a header, such as `Retry-After`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.insert(name, value.into());
        self
    }

    /// The same problem under another status: a protocol that is not ours has rules of its own.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// The same problem, under another status if it is of that kind: what it is elsewhere says something else here.
    #[must_use]
    pub fn with_status_of(self, code: ErrorCode, status: StatusCode) -> Self {
        if self.code == code {
            self.with_status(status)
        } else {
            self
        }
    }

    /// What kind of problem it is.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The sentence for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Its HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status.unwrap_or_else(|| {
            StatusCode::from_u16(self.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        })
    }

    /// As the part of a larger answer: code, sentence and hint.
    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        ErrorInfo {
            code: self.code.as_str().to_owned(),
            message: self.detail.clone(),
            hint: self.code.hint().map(ToOwned::to_owned),
        }
    }

    /// Its JSON.
    #[must_use]
    pub fn body(&self, request_id: Option<String>) -> ProblemBody {
        let status = self.status();
        ProblemBody {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.as_str().to_owned(),
            hint: self.code.hint().map(ToOwned::to_owned),
            errors: self.errors.clone(),
            request_id,
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let problem = Self::new(failure.code, failure.message);
        match failure.retry_after {
            Some(after) if !after.is_zero() => {
                problem.with_header(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)))
            }
            _ => problem,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.headers.clone(), Json(self.body(None))).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response.extensions_mut().insert(self);
        response
    }
}
