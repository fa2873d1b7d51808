//! The native API: one folder a noun, one file a verb.

pub mod audit;
pub mod containers;
pub mod exports;
pub mod images;
pub mod openapi_json;
pub mod operations;
pub mod registries;
pub mod roles;
pub mod servers;
pub mod service;
pub mod session;
pub mod sessions;
pub mod software;
pub mod tokens;
pub mod uploads;
pub mod users;
