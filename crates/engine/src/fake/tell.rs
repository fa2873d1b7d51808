//! What a fake engine tells of itself, whoever asks: the trait, or a caller on the wire.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, try_unfold};
use imagefleet_model::{ImageLayer, ImageStore, Timestamp};
use serde_json::Value;

use super::FakeEngine;
use super::containers::FakeContainer;
use crate::{
    ContainerStats, EngineEvent, ImageConfig, ImageDetail, LogChunk, LogOptions, LogStream, Result,
    StoredContent, Stream,
};

impl FakeEngine {
    /// One image.
    pub(super) fn told_image(&self, name: &str) -> Result<ImageDetail> {
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

    /// How it was made, newest line first.
    pub(super) fn told_history(&self, name: &str) -> Result<Vec<ImageLayer>> {
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

    /// What a container wrote: two lines.
    pub(super) fn written(&self, id: &str, options: &LogOptions) -> Result<Stream<LogChunk>> {
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

    /// What a container uses, once a second while it runs.
    pub(super) fn measured(&self, id: &str) -> Result<Stream<ContainerStats>> {
        let id = self.lock().find_container(id)?.id.clone();
        let engine = self.clone();
        Ok(try_unfold((engine, id, true), |(engine, id, first)| async move {
            if !first {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            if !engine
                .lock()
                .find_container(&id)
                .is_ok_and(FakeContainer::is_running)
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

    /// What happens from that moment on, or from now.
    pub(super) fn happening(&self, since: Option<Timestamp>) -> Stream<EngineEvent> {
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
