//! Registry accounts, and what their registries hold.

use axum::http::StatusCode;
use imagefleet_model::{ErrorCode, Failure};

use crate::Problem;

pub mod create;
pub mod delete;
mod fields;
pub mod list;
pub mod read;
pub mod repositories;
mod rights;
pub mod tags;
pub mod test;
pub mod test_new;
pub mod update;

/// What a registry did not give. That it refuses its account says nothing of our caller's session, as 401 would.
fn not_given(failure: Failure) -> Problem {
    Problem::from(failure).with_status_of(ErrorCode::BadCredentials, StatusCode::BAD_GATEWAY)
}
