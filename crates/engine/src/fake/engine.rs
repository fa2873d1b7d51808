use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use imagefleet_model::{
    ContainerSpec, EngineImage, EngineInfo, ErrorCode, Failure, ImageLayer, ImageRef, RegistryAuth, Timestamp,
};

use super::FakeEngine;
use super::archive;
use super::containers::NETWORKS;
use super::content::Content;
use super::faults::{Fault, FaultyCall, strike_answer, strike_head, strike_stream};
use super::transfer::{decoded, load_lines, parse, pull_lines, push_lines};
use crate::{
    Body, ContainerDetail, ContainerStats, CreatedContainer, Engine, EngineContainer, EngineEvent,
    EngineNetwork, ImageDetail, LogChunk, LogOptions, PullRequest, Removed, Result, Stream, TransferUpdate,
};

impl FakeEngine {
    async fn asked(&self, call: FaultyCall) -> Result<()> {
        strike_answer(self.0.faults.take(call).as_ref()).await
    }

    /// The fault that the stream of this call will meet.
    async fn opened(&self, call: FaultyCall) -> Result<Option<Fault>> {
        let fault = self.0.faults.take(call);
        strike_head(fault.as_ref()).await?;
        Ok(fault)
    }

    /// What a pull brings; the registry has everything for one platform only.
    pub(super) fn content_for(&self, reference: &ImageRef, platform: Option<&str>) -> Result<Arc<Content>> {
        let content = self.registry().content(reference)?;
        match platform {
            Some(platform) if platform != "linux/amd64" => Err(Failure::new(
                ErrorCode::PlatformMismatch,
                format!("no matching manifest for {platform} in the manifest list entries"),
            )),
            _ => Ok(content),
        }
    }
}

#[async_trait]
impl Engine for FakeEngine {
    async fn info(&self) -> Result<EngineInfo> {
        self.asked(FaultyCall::Info).await?;
        Ok(EngineInfo {
            engine_version: self.0.options.engine_version.clone(),
            api_version: "1.41".to_owned(),
            image_store: self.0.options.store,
            platform: "linux/amd64".to_owned(),
            memory_bytes: Some(8 << 30),
            cpus: Some(4),
            system_time: None,
        })
    }

    async fn ping(&self) -> Result<()> {
        self.asked(FaultyCall::Info).await?;
        Ok(())
    }

    async fn images(&self) -> Result<Vec<EngineImage>> {
        let _inside = self.0.options.crowd.enter();
        self.asked(FaultyCall::Images).await?;
        Ok(self.lock().list())
    }

    async fn image(&self, name: &str) -> Result<ImageDetail> {
        self.asked(FaultyCall::Images).await?;
        self.told_image(name)
    }

    async fn history(&self, name: &str) -> Result<Vec<ImageLayer>> {
        self.asked(FaultyCall::Images).await?;
        self.told_history(name)
    }

    async fn pull(&self, request: PullRequest) -> Result<Stream<TransferUpdate>> {
        let fault = self.opened(FaultyCall::Pull).await?;
        let reference = parse(&request.reference)?;
        let content = self.content_for(&reference, request.platform.as_deref())?;
        let held = self.lock().layers();
        let lines = pull_lines(&reference, &content, &held, self.pace());
        let engine = self.clone();
        let bytes = self.spoken(lines, move || {
            engine.change(|state| state.store(&reference, content, "pull"));
        });
        Ok(decoded(strike_stream(bytes, fault), false))
    }

    async fn push(&self, reference: &str, _auth: Option<RegistryAuth>) -> Result<Stream<TransferUpdate>> {
        let fault = self.opened(FaultyCall::Push).await?;
        let reference = parse(reference)?;
        let content = self.lock().content(&reference.to_string())?;
        let lines = push_lines(&reference, &content, self.pace());
        let registry = self.registry().clone();
        let bytes = self.spoken(lines, move || registry.accept(&reference, content));
        Ok(decoded(strike_stream(bytes, fault), false))
    }

    async fn tag(&self, source: &str, reference: &str) -> Result<()> {
        self.asked(FaultyCall::Tag).await?;
        let reference = parse(reference)?;
        self.change(|state| state.tag(source, &reference))
    }

    async fn remove_image(&self, name: &str, force: bool) -> Result<Vec<Removed>> {
        self.asked(FaultyCall::RemoveImage).await?;
        self.change(|state| state.remove(name, force))
    }

    async fn save(&self, names: &[String]) -> Result<Stream<Bytes>> {
        let fault = self.opened(FaultyCall::Save).await?;
        Ok(strike_stream(archive::pieces(self.saved(names)?), fault))
    }

    async fn load(&self, archive: Body) -> Result<Stream<TransferUpdate>> {
        let fault = self.opened(FaultyCall::Load).await?;
        let taken =
            archive.map(|chunk| chunk.map_err(|error| Failure::new(ErrorCode::Internal, error.to_string())));
        let struck = strike_stream(taken.boxed(), fault).map(|chunk| chunk.map_err(std::io::Error::other));
        let brought = self.loaded(struck.boxed()).await?;
        Ok(decoded(self.spoken(load_lines(brought), || ()), true))
    }

    async fn containers(&self) -> Result<Vec<EngineContainer>> {
        self.asked(FaultyCall::Containers).await?;
        Ok(self
            .lock()
            .containers
            .values()
            .map(super::containers::FakeContainer::summary)
            .collect())
    }

    async fn container(&self, id: &str) -> Result<ContainerDetail> {
        self.asked(FaultyCall::Containers).await?;
        Ok(self.lock().find_container(id)?.detail())
    }

    async fn create_container(
        &self,
        image: &str,
        _platform: Option<&str>,
        spec: &ContainerSpec,
    ) -> Result<CreatedContainer> {
        self.asked(FaultyCall::ChangeContainer).await?;
        let id = self.change(|state| state.create_container(image, spec))?;
        Ok(CreatedContainer {
            id,
            warnings: Vec::new(),
        })
    }

    async fn start_container(&self, id: &str) -> Result<()> {
        self.asked(FaultyCall::StartContainer).await?;
        self.change(|state| state.start_container(id))
    }

    async fn stop_container(&self, id: &str) -> Result<()> {
        self.asked(FaultyCall::ChangeContainer).await?;
        self.change(|state| state.end_container(id, 0, false))
    }

    async fn restart_container(&self, id: &str) -> Result<()> {
        self.asked(FaultyCall::ChangeContainer).await?;
        self.change(|state| {
            state.end_container(id, 0, false)?;
            state.start_container(id)
        })
    }

    async fn kill_container(&self, id: &str) -> Result<()> {
        self.asked(FaultyCall::ChangeContainer).await?;
        self.change(|state| state.end_container(id, 137, true))
    }

    async fn remove_container(&self, id: &str, force: bool, _volumes: bool) -> Result<()> {
        self.asked(FaultyCall::ChangeContainer).await?;
        self.change(|state| state.remove_container(id, force))
    }

    async fn logs(&self, id: &str, options: LogOptions) -> Result<Stream<LogChunk>> {
        self.asked(FaultyCall::Watch).await?;
        self.written(id, &options)
    }

    async fn stats(&self, id: &str) -> Result<Stream<ContainerStats>> {
        self.asked(FaultyCall::Watch).await?;
        self.measured(id)
    }

    async fn networks(&self) -> Result<Vec<EngineNetwork>> {
        self.asked(FaultyCall::Containers).await?;
        Ok(NETWORKS
            .iter()
            .map(|(name, driver)| EngineNetwork {
                name: (*name).to_owned(),
                driver: (*driver).to_owned(),
                scope: "local".to_owned(),
            })
            .collect())
    }

    async fn events(&self, since: Option<Timestamp>) -> Result<Stream<EngineEvent>> {
        let fault = self.opened(FaultyCall::Events).await?;
        let events = self.happening(since);
        Ok(match fault {
            // An events stream that breaks does so at once: there is nothing in it to count.
            Some(fault) if !matches!(fault, Fault::Drip { .. }) => {
                stream::once(async move { strike_answer(Some(&fault)).await })
                    .filter_map(|outcome| async move { outcome.err().map(Err) })
                    .boxed()
            }
            _ => events,
        })
    }
}
