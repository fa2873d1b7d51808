use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use imagefleet_model::Operation;
use imagefleet_operations::Actor;
use imagefleet_store::NewOperation;

use super::shown_to;
use crate::extract::Caller;
use crate::{AppState, Problem};

/// 202 with the operation and where to ask for it.
#[derive(Debug)]
pub struct Accepted(pub Operation);

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = HeaderValue::from_str(&format!("/api/v1/operations/{}", self.0.id));
        let mut response = (StatusCode::ACCEPTED, Json(self.0)).into_response();
        // An operation's id is hexadecimal digits and dashes.
        if let Ok(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

impl Caller {
    /// Who an operation is started by.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor {
            user_id: Some(self.user_id),
            username: self.username.clone(),
        }
    }
}

/// Stores a planned operation, as this caller sees it.
pub async fn submit(state: &AppState, caller: &Caller, new: NewOperation) -> Result<Operation, Problem> {
    let operation = state.operations.submit(new).await?;
    caller.trail.operation(&operation.id);
    Ok(shown_to(operation, caller))
}
