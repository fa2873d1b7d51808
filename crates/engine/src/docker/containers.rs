use std::collections::BTreeMap;

use imagefleet_model::{ContainerPort, ContainerSpec, PortProtocol};
use serde::Deserialize;

use super::call::{Call, segment};
use super::client::Client;
use super::container_spec::create_body;
use super::errors::Topic;
use super::images::InspectedConfig;
use super::wire::{count, from_seconds, from_text, or_default};
use crate::{ContainerDetail, ContainerMount, ContainerNetwork, CreatedContainer, EngineContainer, Result};

/// One entry of `GET /containers/json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedContainer {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    names: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    image: String,
    #[serde(rename = "ImageID", default, deserialize_with = "or_default")]
    image_id: String,
    #[serde(default, deserialize_with = "or_default")]
    state: String,
    #[serde(default, deserialize_with = "or_default")]
    status: String,
    #[serde(default, deserialize_with = "or_default")]
    ports: Vec<ListedPort>,
    #[serde(default)]
    created: i64,
}

impl ListedContainer {
    fn into_container(self) -> EngineContainer {
        EngineContainer {
            name: self
                .names
                .first()
                .map(|name| name.trim_start_matches('/').to_owned())
                .unwrap_or_default(),
            id: self.id,
            image: self.image,
            image_id: self.image_id,
            state: self.state,
            status: self.status,
            ports: self.ports.into_iter().filter_map(ListedPort::into_port).collect(),
            created_at: from_seconds(self.created),
        }
    }
}

#[derive(Debug, Deserialize)]
struct ListedPort {
    #[serde(rename = "IP")]
    ip: Option<String>,
    #[serde(rename = "PrivatePort")]
    private: u16,
    #[serde(rename = "PublicPort")]
    public: Option<u16>,
    #[serde(rename = "Type", default)]
    protocol: String,
}

impl ListedPort {
    /// `None` for protocols that nobody can publish here (SCTP).
    fn into_port(self) -> Option<ContainerPort> {
        let host = self.public.filter(|port| *port > 0);
        Some(ContainerPort {
            container: self.private,
            host,
            host_ip: self.ip.filter(|ip| host.is_some() && !ip.is_empty()),
            protocol: protocol(&self.protocol)?,
        })
    }
}

fn protocol(word: &str) -> Option<PortProtocol> {
    match word {
        "tcp" | "" => Some(PortProtocol::Tcp),
        "udp" => Some(PortProtocol::Udp),
        _ => None,
    }
}

/// `GET /containers/{id}/json`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedContainer {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    created: String,
    #[serde(default, deserialize_with = "or_default")]
    image: String,
    #[serde(default)]
    restart_count: i64,
    #[serde(default, deserialize_with = "or_default")]
    state: InspectedState,
    #[serde(default, deserialize_with = "or_default")]
    config: InspectedConfig,
    #[serde(default, deserialize_with = "or_default")]
    host_config: HostConfig,
    #[serde(default, deserialize_with = "or_default")]
    mounts: Vec<InspectedMount>,
    #[serde(default, deserialize_with = "or_default")]
    network_settings: NetworkSettings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InspectedState {
    status: String,
    exit_code: i64,
    #[serde(deserialize_with = "or_default")]
    error: String,
    #[serde(deserialize_with = "or_default")]
    started_at: String,
    #[serde(deserialize_with = "or_default")]
    finished_at: String,
    health: Option<Health>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    #[serde(default)]
    status: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    #[serde(deserialize_with = "or_default")]
    network_mode: String,
    #[serde(deserialize_with = "or_default")]
    restart_policy: InspectedRestartPolicy,
    privileged: bool,
    auto_remove: bool,
    memory: i64,
    nano_cpus: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InspectedRestartPolicy {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedMount {
    #[serde(rename = "Type", default)]
    kind: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    source: String,
    #[serde(default)]
    destination: String,
    #[serde(rename = "RW", default)]
    writable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NetworkSettings {
    #[serde(deserialize_with = "or_default")]
    networks: BTreeMap<String, InspectedNetwork>,
    #[serde(deserialize_with = "or_default")]
    ports: BTreeMap<String, Option<Vec<BoundPort>>>,
}

#[derive(Debug, Default, Deserialize)]
struct InspectedNetwork {
    #[serde(rename = "IPAddress", default)]
    address: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BoundPort {
    #[serde(default)]
    host_ip: String,
    #[serde(default)]
    host_port: String,
}

/// `POST /containers/create`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateAnswer {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    warnings: Vec<String>,
}

pub(super) async fn list(client: &Client) -> Result<Vec<EngineContainer>> {
    let call = Call::get("/containers/json", Topic::Engine).query("all", "1");
    let listed: Vec<ListedContainer> = client.ask(call).await?;
    Ok(listed.into_iter().map(ListedContainer::into_container).collect())
}

/// Reads a body as whatever an engine tells of containers.
#[cfg(feature = "fuzzing")]
pub(super) fn read_all(body: &[u8]) {
    if let Ok(listed) = serde_json::from_slice::<Vec<ListedContainer>>(body) {
        listed
            .into_iter()
            .map(ListedContainer::into_container)
            .for_each(drop);
    }
    if let Ok(container) = serde_json::from_slice::<InspectedContainer>(body) {
        drop(container.into_detail());
    }
}

pub(super) async fn inspect(client: &Client, id: &str) -> Result<ContainerDetail> {
    let path = format!("/containers/{}/json", segment(id)?);
    let container: InspectedContainer = client.ask(Call::get(path, Topic::Container)).await?;
    Ok(container.into_detail())
}

impl InspectedContainer {
    fn into_detail(self) -> ContainerDetail {
        let ended = !matches!(self.state.status.as_str(), "running" | "created" | "paused");
        ContainerDetail {
            summary: EngineContainer {
                id: self.id,
                name: self.name.trim_start_matches('/').to_owned(),
                image: self.config.image,
                image_id: self.image,
                status: self.state.status.clone(),
                state: self.state.status,
                ports: self.network_settings.ports(),
                created_at: from_text(&self.created),
            },
            env: self.config.env,
            command: self.config.cmd,
            entrypoint: self.config.entrypoint,
            hostname: self.config.hostname,
            working_dir: self.config.working_dir,
            user: self.config.user,
            labels: self.config.labels,
            mounts: self.mounts.into_iter().map(InspectedMount::into_mount).collect(),
            networks: self
                .network_settings
                .networks
                .into_iter()
                .map(|(name, network)| ContainerNetwork {
                    name,
                    address: network.address,
                })
                .collect(),
            network_mode: self.host_config.network_mode,
            restart_policy: self.host_config.restart_policy.name,
            restart_count: count(self.restart_count),
            health: self
                .state
                .health
                .map(|health| health.status)
                .filter(|status| !status.is_empty() && status != "none"),
            exit_code: ended.then_some(self.state.exit_code),
            error: self.state.error,
            started_at: from_text(&self.state.started_at),
            finished_at: from_text(&self.state.finished_at),
            privileged: self.host_config.privileged,
            auto_remove: self.host_config.auto_remove,
            tty: self.config.tty,
            memory_bytes: self.host_config.memory,
            nano_cpus: self.host_config.nano_cpus,
        }
    }
}

impl InspectedMount {
    fn into_mount(self) -> ContainerMount {
        ContainerMount {
            source: if self.kind == "volume" && !self.name.is_empty() {
                self.name
            } else {
                self.source
            },
            kind: self.kind,
            target: self.destination,
            read_only: !self.writable,
        }
    }
}

impl NetworkSettings {
    /// `{"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "90/tcp": null}`
    fn ports(&self) -> Vec<ContainerPort> {
        let mut ports = Vec::new();
        for (key, bound) in &self.ports {
            let (number, word) = key.split_once('/').unwrap_or((key, ""));
            let (Ok(container), Some(protocol)) = (number.parse(), protocol(word)) else {
                continue;
            };
            let bound = bound.as_deref().unwrap_or_default();
            if bound.is_empty() {
                ports.push(ContainerPort {
                    container,
                    host: None,
                    host_ip: None,
                    protocol,
                });
            }
            ports.extend(bound.iter().map(|place| ContainerPort {
                container,
                host: place.host_port.parse().ok(),
                host_ip: Some(place.host_ip.clone()).filter(|ip| !ip.is_empty()),
                protocol,
            }));
        }
        ports
    }
}

pub(super) async fn create(
    client: &Client,
    image: &str,
    platform: Option<&str>,
    spec: &ContainerSpec,
) -> Result<CreatedContainer> {
    let mut call = Call::post("/containers/create", Topic::Container)
        .json(&create_body(image, spec))?
        .within(client.limits.change);
    if !spec.name.is_empty() {
        call = call.query("name", &spec.name);
    }
    if let Some(platform) = platform {
        call = call.query("platform", platform);
    }
    let answer: CreateAnswer = client.ask(call).await?;
    Ok(CreatedContainer {
        id: answer.id,
        warnings: answer.warnings,
    })
}

/// `start`, `stop`, `restart` and `kill`; one that is already as wanted is no failure (304).
pub(super) async fn change(client: &Client, id: &str, verb: &str) -> Result<()> {
    let path = format!("/containers/{}/{verb}", segment(id)?);
    client
        .tell(Call::post(path, Topic::Container).within(client.limits.change))
        .await
}

pub(super) async fn remove(client: &Client, id: &str, force: bool, volumes: bool) -> Result<()> {
    let call = Call::delete(format!("/containers/{}", segment(id)?), Topic::Container)
        .flag("force", force)
        .flag("v", volumes)
        .within(client.limits.change);
    client.tell(call).await
}
