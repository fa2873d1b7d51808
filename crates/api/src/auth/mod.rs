//! Who somebody is: passwords, secrets and the brake on guessing.

mod argon;
mod password;
mod secret;
mod throttle;

pub use password::{Passwords, check_new_password};
pub use secret::{hash_of, new_secret, new_token};
pub use throttle::Throttle;
