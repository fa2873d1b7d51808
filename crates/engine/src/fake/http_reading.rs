use bytes::Bytes;
use futures_util::StreamExt;
use imagefleet_model::Timestamp;
use serde_json::{Value, json};

use super::FakeEngine;
use crate::{Result, Stream};

impl FakeEngine {
    /// As `GET /images/json` writes it, with its nulls.
    pub(super) fn listed(&self) -> Value {
        let null_when_empty = |names: &[String]| {
            if names.is_empty() {
                Value::Null
            } else {
                json!(names)
            }
        };
        self.lock()
            .list()
            .iter()
            .map(|image| {
                json!({
                    "Id": image.id, "RepoTags": null_when_empty(&image.repo_tags),
                    "RepoDigests": null_when_empty(&image.repo_digests), "Size": image.size,
                    "Created": image.created_at.map_or(0, |at| at.timestamp()),
                })
            })
            .collect()
    }

    /// As `GET /images/{name}/json` writes it.
    pub(super) fn inspected(&self, name: &str) -> Result<Value> {
        let image = self.detail(name)?;
        let ports: serde_json::Map<String, Value> = image
            .config
            .exposed_ports
            .iter()
            .map(|port| (port.clone(), json!({})))
            .collect();
        let (os, architecture) = image.platform.split_once('/').unwrap_or(("linux", "amd64"));
        Ok(json!({
            "Id": image.id, "RepoTags": image.repo_tags, "RepoDigests": image.repo_digests, "Size": image.size,
            "Created": image.created_at.map(|at| at.to_rfc3339()), "Os": os, "Architecture": architecture,
            "RootFS": {"Type": "layers", "Layers": image.diff_ids},
            "Config": {
                "Env": image.config.env, "Cmd": image.config.command, "Labels": image.config.labels,
                "ExposedPorts": ports,
            },
        }))
    }

    /// As `GET /containers/json` writes it.
    pub(super) fn listed_containers(&self) -> Value {
        self.lock()
            .containers
            .values()
            .map(super::containers::FakeContainer::summary)
            .map(|container| {
                let ports: Vec<Value> = container
                    .ports
                    .iter()
                    .map(|port| {
                        json!({
                            "PrivatePort": port.container, "PublicPort": port.host, "IP": port.host_ip,
                            "Type": port.protocol,
                        })
                    })
                    .collect();
                json!({
                    "Id": container.id, "Names": [format!("/{}", container.name)], "Image": container.image,
                    "ImageID": container.image_id, "State": container.state, "Status": container.status,
                    "Ports": ports, "Created": container.created_at.map_or(0, |at| at.timestamp()),
                })
            })
            .collect()
    }

    /// As `GET /events?since=` writes it: seconds, with or without a fraction.
    pub(super) fn told(&self, since: &str) -> Stream<Bytes> {
        let (seconds, fraction) = since.split_once('.').unwrap_or((since, "0"));
        let since = seconds
            .parse()
            .ok()
            .and_then(|seconds| Timestamp::from_timestamp(seconds, fraction.parse().unwrap_or(0)));
        self.happenings(since)
            .map(|event| {
                let event = event?;
                let at = event.at.unwrap_or_default();
                let line = json!({
                    "Type": event.kind, "Action": event.action, "Actor": {"ID": event.id},
                    "time": at.timestamp(), "timeNano": at.timestamp_nanos_opt(),
                });
                Ok(Bytes::from(format!("{line}\n")))
            })
            .boxed()
    }
}
