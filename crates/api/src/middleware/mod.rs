//! What every request passes, from outside in: context (id, log, headers, errors in their final form), cross-site
//! check, authentication, audit.

mod announced;
mod audit;
mod authenticate;
mod context;
mod cross_site;
mod shape;

pub use announced::{BODY_LIMIT, announced};
pub use audit::audit;
pub use authenticate::{SESSION_COOKIE, authenticate, caller_of, caller_of_token};
pub use context::{RequestId, context};
pub use cross_site::cross_site;
