//! Both HTTP surfaces and the live events of imagefleet.
//!
//! [`router`] is the whole of it on one screen. A route stands in `routes/<noun>/<verb>.rs`: errors, documentation,
//! handler, tests, in this order. Authentication and authorisation have one place each: `middleware/authenticate.rs`
//! and [`extract::Caller::require`].

pub mod audit;
mod auth;
mod config;
mod events;
pub mod extract;
mod middleware;
mod monitor;
mod openapi;
mod page;
mod peer;
mod problem;
mod router;
mod routes;
mod state;
mod upkeep;

pub use auth::Passwords;
pub use config::{ApiConfig, InvalidNetwork, Network};
pub use openapi::document;
pub use peer::Connection;
pub use problem::{FieldError, Problem, ProblemBody};
pub use router::router;
pub use state::{AppState, Services};
pub use upkeep::upkeep;
