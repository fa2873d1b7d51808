//! Docker and Podman over a unix socket, TCP, TLS or SSH (Docker API 1.41 to 1.51; Podman's compatible one).

mod auth;
mod call;
mod client;
mod connection;
mod container_spec;
mod containers;
mod error_rules;
mod errors;
mod events;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod images;
mod json_lines;
mod load;
mod logs;
mod progress;
mod redact;
mod save;
mod stats;
mod system;
mod transfers;
mod transport;
mod transport_failure;
mod version;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use imagefleet_model::{ContainerSpec, EngineImage, EngineInfo, ImageLayer, RegistryAuth, Timestamp};

pub use self::connection::{Connection, Limits, SshJump, SshMaterial, TlsMaterial};

use self::client::Client;
use crate::{
    Body, ContainerDetail, ContainerStats, CreatedContainer, Engine, EngineContainer, EngineEvent,
    EngineNetwork, ImageDetail, LogChunk, LogOptions, PullRequest, Removed, Result, Stream, TransferUpdate,
};

/// The engine behind that connection. Cheap: nothing is opened, and nothing checked, before the first call.
#[must_use]
pub fn connect(connection: &Connection) -> Arc<dyn Engine> {
    Arc::new(DockerEngine {
        client: Arc::new(Client::new(connection)),
    })
}

/// Reads the messages of a transfer as a real engine's: the fake speaks them too.
pub(crate) fn decode_transfer(bytes: Stream<Bytes>, load: bool) -> Stream<TransferUpdate> {
    let topic = if load {
        errors::Topic::Load
    } else {
        errors::Topic::Registry
    };
    transfers::updates(bytes, topic, Limits::default(), true)
}

/// A real engine. One file per subject holds what its methods do.
#[derive(Debug)]
struct DockerEngine {
    client: Arc<Client>,
}

#[async_trait]
impl Engine for DockerEngine {
    async fn info(&self) -> Result<EngineInfo> {
        system::info(&self.client).await
    }

    async fn ping(&self) -> Result<()> {
        system::ping(&self.client).await
    }

    async fn images(&self) -> Result<Vec<EngineImage>> {
        images::list(&self.client).await
    }

    async fn image(&self, name: &str) -> Result<ImageDetail> {
        images::inspect(&self.client, name).await
    }

    async fn history(&self, name: &str) -> Result<Vec<ImageLayer>> {
        images::history(&self.client, name).await
    }

    async fn pull(&self, request: PullRequest) -> Result<Stream<TransferUpdate>> {
        transfers::pull(&self.client, request).await
    }

    async fn push(&self, reference: &str, auth: Option<RegistryAuth>) -> Result<Stream<TransferUpdate>> {
        transfers::push(&self.client, reference, auth.as_ref()).await
    }

    async fn tag(&self, source: &str, reference: &str) -> Result<()> {
        images::tag(&self.client, source, reference).await
    }

    async fn remove_image(&self, name: &str, force: bool) -> Result<Vec<Removed>> {
        images::remove(&self.client, name, force).await
    }

    async fn save(&self, names: &[String]) -> Result<Stream<Bytes>> {
        save::save(&self.client, names).await
    }

    async fn load(&self, archive: Body) -> Result<Stream<TransferUpdate>> {
        load::load(&self.client, archive).await
    }

    async fn containers(&self) -> Result<Vec<EngineContainer>> {
        containers::list(&self.client).await
    }

    async fn container(&self, id: &str) -> Result<ContainerDetail> {
        containers::inspect(&self.client, id).await
    }

    async fn create_container(
        &self,
        image: &str,
        platform: Option<&str>,
        spec: &ContainerSpec,
    ) -> Result<CreatedContainer> {
        containers::create(&self.client, image, platform, spec).await
    }

    async fn start_container(&self, id: &str) -> Result<()> {
        containers::change(&self.client, id, "start").await
    }

    async fn stop_container(&self, id: &str) -> Result<()> {
        containers::change(&self.client, id, "stop").await
    }

    async fn restart_container(&self, id: &str) -> Result<()> {
        containers::change(&self.client, id, "restart").await
    }

    async fn kill_container(&self, id: &str) -> Result<()> {
        containers::change(&self.client, id, "kill").await
    }

    async fn remove_container(&self, id: &str, force: bool, volumes: bool) -> Result<()> {
        containers::remove(&self.client, id, force, volumes).await
    }

    async fn logs(&self, id: &str, options: LogOptions) -> Result<Stream<LogChunk>> {
        logs::logs(&self.client, id, &options).await
    }

    async fn stats(&self, id: &str) -> Result<Stream<ContainerStats>> {
        stats::stats(&self.client, id).await
    }

    async fn networks(&self) -> Result<Vec<EngineNetwork>> {
        system::networks(&self.client).await
    }

    async fn events(&self, since: Option<Timestamp>) -> Result<Stream<EngineEvent>> {
        events::events(&self.client, since).await
    }

    fn observed_host_key(&self) -> Option<String> {
        self.client.observed_host_key()
    }

    fn observed_jump_key(&self) -> Option<String> {
        self.client.observed_jump_key()
    }
}
