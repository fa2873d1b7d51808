//! The plain types of imagefleet: what a server, an image, a reference, an operation and a failure *are*.
//!
//! Nothing here does I/O, and nothing here knows of HTTP, SQL or an engine. Every other crate speaks in these
//! words; `docs/GLOSSARY.md` explains them.

mod access;
mod asked_bytes;
mod byte_count;
mod clock;
mod container;
mod container_check;
mod export;
mod failure;
mod field_error;
mod glob;
mod image;
mod off_peak;
mod operation;
mod page;
mod platform;
mod progress;
mod reference;
mod registry;
mod retry_after;
mod server;
mod server_view;
mod software;
mod waiting;

pub use access::{Access, Grant, GrantServers, Right, Role, Verb, builtin_roles};
pub use asked_bytes::AskedBytes;
pub use byte_count::byte_count;
pub use clock::{Clock, ManualClock, SystemClock, Timestamp, millis};
pub use container::{
    Container, ContainerPort, ContainerSpec, Mount, PortBinding, PortProtocol, RestartPolicy,
    RestartPolicyName,
};
pub use export::{Export, ExportStatus, ExportedImage};
pub use failure::{ErrorCode, ErrorInfo, Failure};
pub use field_error::FieldError;
pub use glob::Glob;
pub use image::{EngineImage, Image, ImageLayer, ImageStatus};
pub use off_peak::{InvalidOffPeak, OffPeak};
pub use operation::{Operation, OperationId, OperationKind, Status, Step};
pub use page::{Page, PageRequest};
pub use platform::Platform;
pub use progress::{LayerProgress, Progress};
pub use reference::{ImageRef, InvalidReference, is_sha256_digest};
pub use registry::{Registry, RegistryAuth};
pub use retry_after::retry_after;
pub use server::{Endpoint, EngineInfo, ImageStore, InvalidEndpoint, ServerStatus};
pub use server_view::{CertificateInfo, Server, ServerJump, ServerSsh, ServerTls, ServerWarning};
pub use software::{Software, SoftwareEnv, SoftwareForm};
pub use waiting::{WaitingCode, WaitingFor};

/// Integer id of a server row.
pub type ServerId = i64;
/// Integer id of an image row: one reference (or one untagged id) on one server.
pub type ImageId = i64;
