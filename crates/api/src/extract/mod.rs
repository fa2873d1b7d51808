//! What handlers take from a request, with errors as problems.

mod caller;
mod given;
mod json;
mod paging;
mod path;
mod query;

pub use caller::{Caller, Credential, Target};
pub use given::given;
pub use json::{Json, OptionalJson, parse as parse_json};
pub use paging::Paging;
pub use path::Path;
pub use query::Query;
