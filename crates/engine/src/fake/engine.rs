use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, try_unfold};
use imagefleet_model::{
    ContainerSpec, EngineImage, EngineInfo, ErrorCode, Failure, ImageLayer, ImageStore, RegistryAuth,
    Timestamp,
};
use serde_json::Value;

use super::FakeEngine;
use super::archive;
use super::containers::NETWORKS;
use super::faults::{Fault, FaultyCall, strike_answer, strike_head, strike_stream};
use super::transfer::{decoded, load_lines, parse, pull_lines, push_lines};
use crate::{
    Body, ContainerDetail, ContainerStats, CreatedContainer, Engine, EngineContainer, EngineEvent,
    EngineNetwork, ImageConfig, ImageDetail, LogChunk, LogOptions, LogStream, PullRequest, Removed, Result,
    StoredContent, Stream, TransferUpdate,
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

    /// Everything that it tells of one image.
    pub(super) fn detail(&self, name: &str) -> Result<ImageDetail> {
        let state = self.lock();
        let id = state.resolve(name)?;
        let content = state.content(&id)?;
        let (repo_tags, repo_digests) = state.names(&id);
        let config = content.config_json();
        let words =
            |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap_or_default() };
        let keys = |value: &Value| -> Vec<String> {
            value
                .as_object()
                .map(|object| object.keys().cloned().collect())
                .unwrap_or_default()
        };
        Ok(ImageDetail {
            id: id.to_string(),
            repo_tags,
            repo_digests,
            size: content.size(),
            platform: format!(
                "{}/{}",
                config["os"].as_str().unwrap_or("linux"),
                config["architecture"].as_str().unwrap_or("amd64")
            ),
            created_at: Some(content.created_at),
            author: String::new(),
            diff_ids: content
                .layers
                .iter()
                .map(|layer| layer.diff_id.to_string())
                .collect(),
            config: ImageConfig {
                env: words(&config["config"]["Env"]),
                command: words(&config["config"]["Cmd"]),
                exposed_ports: keys(&config["config"]["ExposedPorts"]),
                labels: serde_json::from_value(config["config"]["Labels"].clone()).unwrap_or_default(),
                ..ImageConfig::default()
            },
            content: (self.0.options.store == ImageStore::Containerd).then(|| StoredContent {
                complete: true,
                stored: content.size(),
                unpacked: content.size(),
            }),
        })
    }

    /// What happened since then, and whatever happens from now on.
    pub(super) fn happenings(&self, since: Option<Timestamp>) -> Stream<EngineEvent> {
        let next = {
            let state = self.lock();
            since.map_or_else(|| state.event_count(), |since| state.first_event_since(since))
        };
        let news = self.0.news.subscribe();
        let inner = Arc::clone(&self.0);
        try_unfold((Self(inner), news, next), |(engine, mut news, next)| async move {
            loop {
                let event = engine.lock().event_at(next);
                if let Some(event) = event {
                    return Ok(Some((event, (engine, news, next + 1))));
                }
                // The sender lives in the engine that this stream holds.
                if news.changed().await.is_err() {
                    return Ok(None);
                }
            }
        })
        .boxed()
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

    async fn images(&self) -> Result<Vec<EngineImage>> {
        self.asked(FaultyCall::Images).await?;
        Ok(self.lock().list())
    }

    async fn image(&self, name: &str) -> Result<ImageDetail> {
        self.asked(FaultyCall::Images).await?;
        self.detail(name)
    }

    async fn history(&self, name: &str) -> Result<Vec<ImageLayer>> {
        self.asked(FaultyCall::Images).await?;
        let content = self.lock().content(name)?;
        let config = content.config_json();
        let mut layers = content.layers.iter();
        let lines = config["history"].as_array().cloned().unwrap_or_default();
        let mut history: Vec<ImageLayer> = lines
            .iter()
            .map(|line| {
                let empty = line["empty_layer"].as_bool().unwrap_or(false);
                let layer = if empty { None } else { layers.next() };
                ImageLayer {
                    diff_id: layer.map(|layer| layer.diff_id.to_string()),
                    created_by: line["created_by"].as_str().unwrap_or_default().to_owned(),
                    size: layer.map_or(0, |layer| layer.size),
                    created_at: Some(content.created_at),
                    comment: String::new(),
                    empty,
                }
            })
            .collect();
        history.reverse();
        Ok(history)
    }

    async fn pull(&self, request: PullRequest) -> Result<Stream<TransferUpdate>> {
        let fault = self.opened(FaultyCall::Pull).await?;
        let reference = parse(&request.reference)?;
        let content = self.registry().content(&reference)?;
        if request
            .platform
            .as_deref()
            .is_some_and(|platform| platform != "linux/amd64")
        {
            return Err(Failure::new(
                ErrorCode::PlatformMismatch,
                format!(
                    "no matching manifest for {} in the manifest list entries",
                    request.platform.unwrap_or_default()
                ),
            ));
        }
        let held = self.lock().layers();
        let lines = pull_lines(&reference, &content, &held);
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
        let lines = push_lines(&reference, &content);
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
        self.asked(FaultyCall::ChangeContainer).await?;
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
        let name = self.lock().find_container(id)?.name.clone();
        let most = usize::try_from(options.tail.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let lines = [(LogStream::Stdout, "started"), (LogStream::Stderr, "ready")];
        let written: Vec<_> = lines
            .into_iter()
            .skip(lines.len().saturating_sub(most))
            .map(|(stream, word)| {
                Ok(LogChunk {
                    stream,
                    bytes: Bytes::from(format!("{name} {word}\n")),
                })
            })
            .collect();
        let written = stream::iter(written);
        Ok(if options.follow {
            written.chain(stream::pending()).boxed()
        } else {
            written.boxed()
        })
    }

    async fn stats(&self, id: &str) -> Result<Stream<ContainerStats>> {
        self.asked(FaultyCall::Watch).await?;
        let id = self.lock().find_container(id)?.id.clone();
        let engine = self.clone();
        Ok(try_unfold((engine, id, true), |(engine, id, first)| async move {
            if !first {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            if !engine
                .lock()
                .find_container(&id)
                .is_ok_and(super::containers::FakeContainer::is_running)
            {
                return Ok(None);
            }
            let stats = ContainerStats {
                at: Some(engine.0.options.clock.now()),
                cpu_percent: 12.5,
                memory_bytes: 64 << 20,
                memory_limit: 8 << 30,
                network_rx: 1_000,
                network_tx: 2_000,
                pids: 3,
            };
            Ok(Some((stats, (engine, id, false))))
        })
        .boxed())
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
        let events = self.happenings(since);
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
