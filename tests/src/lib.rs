//! Helpers of the integration tests.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

pub mod app;
pub mod archives;
pub mod images;
pub mod live;
