use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::Problem;

/// The code of everything that went well.
const OK: &str = "00000";

/// How the Monitor API answers: `{"code":"00000","msg":"…","success":true,"data":…}`.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Envelope<T> {
    /// `00000`.
    pub code: String,
    /// A sentence for people.
    pub msg: String,
    /// True.
    pub success: bool,
    /// What was asked for.
    pub data: Option<T>,
}

/// How it answers what did not go well, with its true HTTP status. The outermost layer makes it from the problem.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MonitorProblem)]
pub struct ErrorEnvelope {
    /// The problem's stable word.
    code: String,
    /// A sentence for people, with what to check.
    msg: String,
    /// False.
    success: bool,
    /// Nothing.
    #[schema(value_type = Option<Object>)]
    data: (),
}

impl<T> Envelope<T> {
    /// It went well.
    pub fn ok(data: T) -> Self {
        Self {
            code: OK.to_owned(),
            msg: "ok".to_owned(),
            success: true,
            data: Some(data),
        }
    }
}

impl<T: Serialize> IntoResponse for Envelope<T> {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}

/// The envelope of a problem, as JSON text.
#[must_use]
pub fn envelope_of(problem: &Problem) -> Vec<u8> {
    let hint = problem.code().hint();
    let envelope = ErrorEnvelope {
        code: problem.code().as_str().to_owned(),
        msg: match hint {
            Some(hint) => format!("{} {hint}", sentence(problem.detail())),
            None => problem.detail().to_owned(),
        },
        success: false,
        data: (),
    };
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// The text with an end that another sentence may follow.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}
