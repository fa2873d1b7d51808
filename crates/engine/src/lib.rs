//! Container engines behind one trait.
//!
//! [`Engine`] is what the rest of imagefleet knows of Docker and Podman. [`docker`] speaks to real ones over a unix
//! socket, TCP, TLS or SSH; [`fake`] is a stateful engine in memory for scale and for faults that a real one does
//! not produce on demand. Both pass the same contract suite.

pub mod docker;
pub mod fake;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod percent;
mod types;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use imagefleet_model::{
    ContainerSpec, EngineImage, EngineInfo, Failure, ImageLayer, RegistryAuth, Timestamp,
};

pub use percent::percent;
pub use types::{
    ContainerDetail, ContainerMount, ContainerNetwork, ContainerStats, CreatedContainer, EngineContainer,
    EngineEvent, EngineNetwork, ImageConfig, ImageDetail, LogChunk, LogOptions, LogStream, PullRequest,
    Removed, StoredContent, TransferUpdate,
};

/// What an engine answers: the failure carries a code, the engine's own words and whether to try again.
pub type Result<T> = std::result::Result<T, Failure>;
/// A stream of an engine's answers. Dropping it ends the engine's work.
pub type Stream<T> = BoxStream<'static, Result<T>>;
/// Bytes on their way to an engine; an error ends the request.
pub type Body = BoxStream<'static, std::io::Result<Bytes>>;

/// A container engine. Methods that only ask end within a time limit of the connector; those that stream have an
/// idle limit (no bytes for so long), never a total one.
#[async_trait]
pub trait Engine: Send + Sync + std::fmt::Debug {
    /// Connects, negotiates the API version and asks who it is (`GET /version`, `GET /info`).
    async fn info(&self) -> Result<EngineInfo>;

    /// Whether it lives (`GET /_ping`): costs it nothing, whereas for `GET /info` some engines start programs.
    async fn ping(&self) -> Result<()>;

    /// Every image with all its references, intermediate ones left out (`GET /images/json`).
    async fn images(&self) -> Result<Vec<EngineImage>>;

    /// One image by reference or id (`GET /images/{name}/json`).
    async fn image(&self, name: &str) -> Result<ImageDetail>;

    /// How an image was made, newest line first (`GET /images/{name}/history`).
    async fn history(&self, name: &str) -> Result<Vec<ImageLayer>>;

    /// Pulls (`POST /images/create`). The stream ends when the image is there; an error in it is the pull's failure.
    async fn pull(&self, request: PullRequest) -> Result<Stream<TransferUpdate>>;

    /// Pushes a reference (`POST /images/{name}/push`).
    async fn push(&self, reference: &str, auth: Option<RegistryAuth>) -> Result<Stream<TransferUpdate>>;

    /// Gives `source` (reference or id) one more reference (`POST /images/{name}/tag`).
    async fn tag(&self, source: &str, reference: &str) -> Result<()>;

    /// Removes a reference, and the content with the last one (`DELETE /images/{name}`).
    async fn remove_image(&self, name: &str, force: bool) -> Result<Vec<Removed>>;

    /// Saves images into one tar (`GET /images/get`). The classic store prepares for long before the first byte.
    async fn save(&self, names: &[String]) -> Result<Stream<Bytes>>;

    /// Loads a tar (`POST /images/load`), plain or compressed as the engine takes it. The stream tells what was
    /// loaded; it must be read to its end, and an error in it is the load's failure.
    async fn load(&self, archive: Body) -> Result<Stream<TransferUpdate>>;

    /// Every container, running or not (`GET /containers/json?all=1`).
    async fn containers(&self) -> Result<Vec<EngineContainer>>;

    /// One container by name or id (`GET /containers/{id}/json`).
    async fn container(&self, id: &str) -> Result<ContainerDetail>;

    /// Creates a container and does not start it (`POST /containers/create`). `image` is a reference or id.
    async fn create_container(
        &self,
        image: &str,
        platform: Option<&str>,
        spec: &ContainerSpec,
    ) -> Result<CreatedContainer>;

    /// Starts it (`POST /containers/{id}/start`).
    async fn start_container(&self, id: &str) -> Result<()>;

    /// Stops it, killing it after the engine's grace time (`POST /containers/{id}/stop`).
    async fn stop_container(&self, id: &str) -> Result<()>;

    /// Stops and starts it (`POST /containers/{id}/restart`).
    async fn restart_container(&self, id: &str) -> Result<()>;

    /// Sends it SIGKILL (`POST /containers/{id}/kill`).
    async fn kill_container(&self, id: &str) -> Result<()>;

    /// Removes it (`DELETE /containers/{id}`), with its anonymous volumes when `volumes`.
    async fn remove_container(&self, id: &str, force: bool, volumes: bool) -> Result<()>;

    /// Its output (`GET /containers/{id}/logs`), already split into stdout and stderr.
    async fn logs(&self, id: &str, options: LogOptions) -> Result<Stream<LogChunk>>;

    /// Its use of processor and memory, about once a second (`GET /containers/{id}/stats`).
    async fn stats(&self, id: &str) -> Result<Stream<ContainerStats>>;

    /// Networks that a container may join (`GET /networks`).
    async fn networks(&self) -> Result<Vec<EngineNetwork>>;

    /// What happens to images and containers from `since` on, without end (`GET /events`).
    async fn events(&self, since: Option<Timestamp>) -> Result<Stream<EngineEvent>>;

    /// The SSH host key that was met (`SHA256:…`), for pinning at first use. `None` before the first connection and
    /// for every other way.
    fn observed_host_key(&self) -> Option<String> {
        None
    }

    /// The SSH host key that the machine before the server showed, when there is one.
    fn observed_jump_key(&self) -> Option<String> {
        None
    }
}
