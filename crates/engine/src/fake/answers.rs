//! How an engine writes what it tells, with its nulls.

use imagefleet_model::{ContainerPort, EngineImage, ImageLayer, Timestamp};
use serde_json::{Map, Value, json};

use super::containers::NETWORKS;
use crate::{ContainerDetail, ContainerStats, EngineContainer, EngineEvent, ImageDetail};

/// One entry of `GET /images/json`.
pub(super) fn listed_image(image: &EngineImage) -> Value {
    json!({
        "Id": image.id, "RepoTags": null_when_empty(&image.repo_tags), "RepoDigests": null_when_empty(&image.repo_digests),
        "Size": image.size, "Created": seconds(image.created_at),
    })
}

/// `GET /images/{name}/json`.
pub(super) fn image(image: &ImageDetail) -> Value {
    let (os, architecture) = image.platform.split_once('/').unwrap_or((&image.platform, ""));
    let manifests = image.content.map(|content| {
        json!([{
            "Available": content.complete, "Kind": "image", "Size": {"Content": content.stored},
            "ImageData": {"Platform": {"os": os, "architecture": architecture}, "Size": {"Unpacked": content.unpacked}},
        }])
    });
    json!({
        "Id": image.id, "RepoTags": image.repo_tags, "RepoDigests": image.repo_digests, "Size": image.size,
        "Created": text(image.created_at), "Author": image.author, "Os": os, "Architecture": architecture,
        "RootFS": {"Type": "layers", "Layers": image.diff_ids}, "Manifests": manifests,
        "Config": {
            "Env": image.config.env, "Cmd": image.config.command, "Labels": image.config.labels,
            "ExposedPorts": image.config.exposed_ports.iter().map(|port| (port.clone(), json!({}))).collect::<Map<_, _>>(),
        },
    })
}

/// `GET /images/{name}/history`.
pub(super) fn history(lines: &[ImageLayer]) -> Value {
    let lines = lines.iter().map(|line| {
        json!({
            "Created": seconds(line.created_at), "CreatedBy": line.created_by, "Size": line.size, "Comment": line.comment,
        })
    });
    lines.collect()
}

/// One entry of `GET /containers/json`.
pub(super) fn listed_container(container: &EngineContainer) -> Value {
    let ports = container.ports.iter().map(|port| {
        json!({"IP": port.host_ip, "PrivatePort": port.container, "PublicPort": port.host, "Type": port.protocol.as_str()})
    });
    json!({
        "Id": container.id, "Names": [format!("/{}", container.name)], "Image": container.image,
        "ImageID": container.image_id, "State": container.state, "Status": container.status,
        "Ports": ports.collect::<Value>(), "Created": seconds(container.created_at),
    })
}

/// `GET /containers/{id}/json`.
pub(super) fn container(detail: &ContainerDetail) -> Value {
    let summary = &detail.summary;
    let networks = detail
        .networks
        .iter()
        .map(|network| (network.name.clone(), json!({"IPAddress": network.address})));
    let mounts = detail.mounts.iter().map(|mount| {
        json!({
            "Type": mount.kind, "Name": mount.source, "Source": mount.source, "Destination": mount.target,
            "RW": !mount.read_only,
        })
    });
    json!({
        "Id": summary.id, "Name": format!("/{}", summary.name), "Created": text(summary.created_at), "Image": summary.image_id,
        "State": {
            "Status": summary.state, "ExitCode": detail.exit_code.unwrap_or(0), "Error": detail.error,
            "StartedAt": text(detail.started_at), "FinishedAt": text(detail.finished_at),
        },
        "Config": {
            "Image": summary.image, "Env": detail.env, "Cmd": detail.command, "Entrypoint": detail.entrypoint,
            "Hostname": detail.hostname, "WorkingDir": detail.working_dir, "User": detail.user, "Labels": detail.labels,
        },
        "HostConfig": {
            "NetworkMode": detail.network_mode, "RestartPolicy": {"Name": detail.restart_policy},
            "Privileged": detail.privileged, "AutoRemove": detail.auto_remove,
            "Memory": detail.memory_bytes, "NanoCpus": detail.nano_cpus,
        },
        "Mounts": mounts.collect::<Value>(),
        "NetworkSettings": {"Networks": networks.collect::<Map<_, _>>(), "Ports": bound(&summary.ports)},
    })
}

fn bound(ports: &[ContainerPort]) -> Value {
    let mut all = Map::new();
    for port in ports {
        let places = all
            .entry(format!("{}/{}", port.container, port.protocol.as_str()))
            .or_insert_with(|| json!([]));
        if let (Some(host), Value::Array(places)) = (port.host, places) {
            places.push(json!({"HostIp": port.host_ip, "HostPort": host.to_string()}));
        }
    }
    Value::Object(all)
}

/// One message of `GET /containers/{id}/stats`; an eighth of a processor, always.
pub(super) fn stats(stats: &ContainerStats) -> Value {
    json!({
        "read": text(stats.at),
        "cpu_stats": {"cpu_usage": {"total_usage": 125}, "system_cpu_usage": 2_000, "online_cpus": 1},
        "precpu_stats": {"cpu_usage": {"total_usage": 0}, "system_cpu_usage": 1_000, "online_cpus": 1},
        "memory_stats": {"usage": stats.memory_bytes, "limit": stats.memory_limit, "stats": {}},
        "networks": {"eth0": {"rx_bytes": stats.network_rx, "tx_bytes": stats.network_tx}},
        "pids_stats": {"current": stats.pids},
    })
}

/// One message of `GET /events`.
pub(super) fn event(event: &EngineEvent) -> Value {
    let attributes = event
        .exit_code
        .map_or(json!({}), |code| json!({"exitCode": code.to_string()}));
    json!({
        "Type": event.kind, "Action": event.action, "Actor": {"ID": event.id, "Attributes": attributes},
        "time": seconds(event.at),
        "timeNano": event.at.and_then(|at| at.timestamp_nanos_opt()).unwrap_or(0),
    })
}

/// `GET /networks`.
pub(super) fn networks() -> Value {
    let networks = NETWORKS
        .iter()
        .map(|(name, driver)| json!({"Name": name, "Driver": driver, "Scope": "local"}));
    networks.collect()
}

fn null_when_empty(names: &[String]) -> Value {
    if names.is_empty() {
        Value::Null
    } else {
        json!(names)
    }
}

fn seconds(at: Option<Timestamp>) -> i64 {
    at.map_or(0, |at| at.timestamp())
}

/// Go writes its zero time where there is none.
fn text(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| at.to_rfc3339())
}
