use std::sync::Arc;

use imagefleet_model::{ContainerPort, ContainerSpec, ErrorCode, Failure, Timestamp};

use super::content::sha256;
use super::state::State;
use crate::{ContainerDetail, ContainerMount, ContainerNetwork, EngineContainer, Result};

/// The first port that is handed out where the form leaves it open.
const FIRST_FREE_PORT: u16 = 49_153;
/// Networks that every engine has.
pub(super) const NETWORKS: [(&str, &str); 3] = [("bridge", "bridge"), ("host", "host"), ("none", "null")];

/// A container of a fake engine. Nothing runs in it.
#[derive(Debug)]
pub(super) struct FakeContainer {
    pub id: String,
    pub name: String,
    image: String,
    pub image_id: Arc<str>,
    pub state: &'static str,
    spec: ContainerSpec,
    ports: Vec<ContainerPort>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    exit_code: Option<i64>,
}

impl FakeContainer {
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }

    pub fn summary(&self) -> EngineContainer {
        EngineContainer {
            id: self.id.clone(),
            name: self.name.clone(),
            image: self.image.clone(),
            image_id: self.image_id.to_string(),
            state: self.state.to_owned(),
            status: match (self.state, self.exit_code) {
                ("running", _) => "Up 1 second".to_owned(),
                ("created", _) => "Created".to_owned(),
                (_, code) => format!("Exited ({}) 1 second ago", code.unwrap_or(0)),
            },
            ports: self.ports.clone(),
            created_at: Some(self.created_at),
        }
    }

    pub fn detail(&self) -> ContainerDetail {
        let spec = &self.spec;
        ContainerDetail {
            summary: self.summary(),
            env: spec
                .env
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
            command: spec.command.clone(),
            entrypoint: spec.entrypoint.clone().unwrap_or_default(),
            hostname: spec.hostname.clone().unwrap_or_else(|| self.id[..12].to_owned()),
            working_dir: spec.working_dir.clone().unwrap_or_default(),
            user: spec.user.clone().unwrap_or_default(),
            labels: spec.labels.clone(),
            mounts: spec
                .volumes
                .iter()
                .map(|volume| ContainerMount {
                    kind: if volume.source.starts_with('/') {
                        "bind"
                    } else {
                        "volume"
                    }
                    .to_owned(),
                    source: volume.source.clone(),
                    target: volume.target.clone(),
                    read_only: volume.read_only,
                })
                .collect(),
            networks: vec![ContainerNetwork {
                name: self.network().to_owned(),
                address: String::new(),
            }],
            network_mode: self.network().to_owned(),
            restart_policy: spec.restart_policy.name.as_str().to_owned(),
            exit_code: self.exit_code.filter(|_| !self.is_running()),
            started_at: self.started_at,
            finished_at: self.finished_at,
            privileged: spec.privileged,
            auto_remove: spec.auto_remove,
            memory_bytes: spec.memory_bytes.unwrap_or(0),
            nano_cpus: spec.nano_cpus.unwrap_or(0),
            ..ContainerDetail::default()
        }
    }

    fn network(&self) -> &str {
        match self.spec.network_mode.as_str() {
            "" => "bridge",
            named => named,
        }
    }
}

impl State {
    /// Paths below `/missing` are missing; any name is a network but those that begin with `missing`.
    pub fn create_container(&mut self, image: &str, spec: &ContainerSpec) -> Result<String> {
        let image_id = self.resolve(image)?;
        let id =
            sha256(format!("container {} {}", self.seed, self.made).as_bytes())["sha256:".len()..].to_owned();
        let name = match spec.name.as_str() {
            "" => format!("unnamed_{}", self.made),
            given => given.to_owned(),
        };
        if let Some(other) = self.containers.values().find(|other| other.name == name) {
            return Err(Failure::new(
                ErrorCode::ContainerNameTaken,
                format!(
                    "Conflict. The container name \"/{name}\" is already in use by container \"{}\".",
                    other.id
                ),
            ));
        }
        if let Some(volume) = spec
            .volumes
            .iter()
            .find(|volume| volume.source.starts_with("/missing"))
        {
            return Err(Failure::new(
                ErrorCode::MountMissing,
                format!(
                    "invalid mount config for type \"bind\": bind source path does not exist: {}",
                    volume.source
                ),
            ));
        }
        self.made += 1;
        self.containers.insert(
            id.clone(),
            FakeContainer {
                id: id.clone(),
                name,
                image: image.to_owned(),
                image_id,
                state: "created",
                spec: spec.clone(),
                ports: Vec::new(),
                created_at: self.now,
                started_at: None,
                finished_at: None,
                exit_code: None,
            },
        );
        self.event("container", "create", &id);
        Ok(id)
    }

    /// A container by id, the beginning of one, or name.
    pub fn find_container(&self, name: &str) -> Result<&FakeContainer> {
        self.containers
            .values()
            .find(|container| container.id == name || container.name == name)
            .or_else(|| {
                self.containers
                    .values()
                    .find(|container| name.len() >= 12 && container.id.starts_with(name))
            })
            .ok_or_else(|| Failure::new(ErrorCode::ContainerNotFound, format!("No such container: {name}")))
    }

    /// Ports that are taken and commands that begin with `missing` fail, as on a real engine; the command `exit 3` ends
    /// at once.
    pub fn start_container(&mut self, name: &str) -> Result<()> {
        let container = self.find_container(name)?;
        if container.is_running() {
            return Ok(());
        }
        let id = container.id.clone();
        let spec = container.spec.clone();
        if let Some(command) = spec
            .command
            .first()
            .filter(|command| command.starts_with("missing"))
        {
            return Err(Failure::new(
                ErrorCode::CommandNotFound,
                format!(
                    "OCI runtime create failed: exec: \"{command}\": executable file not found in $PATH: unknown"
                ),
            ));
        }
        if spec.network_mode.starts_with("missing") {
            return Err(Failure::new(
                ErrorCode::NetworkNotFound,
                format!("network {} not found", spec.network_mode),
            ));
        }
        let taken: Vec<(u16, _)> = self
            .containers
            .values()
            .filter(|other| other.is_running())
            .flat_map(|other| {
                other
                    .ports
                    .iter()
                    .filter_map(|port| Some((port.host?, port.protocol)))
            })
            .collect();
        let mut ports = Vec::new();
        for port in &spec.ports {
            let host = match port.host {
                Some(host) if taken.contains(&(host, port.protocol)) => {
                    return Err(Failure::new(
                        ErrorCode::PortInUse,
                        format!("Bind for 0.0.0.0:{host} failed: port is already allocated"),
                    ));
                }
                Some(host) => host,
                None => (FIRST_FREE_PORT..=u16::MAX)
                    .find(|free| {
                        !taken.contains(&(*free, port.protocol))
                            && !ports
                                .iter()
                                .any(|given: &ContainerPort| given.host == Some(*free))
                    })
                    .unwrap_or(u16::MAX),
            };
            ports.push(ContainerPort {
                container: port.container,
                host: Some(host),
                host_ip: Some(port.host_ip.clone().unwrap_or_else(|| "0.0.0.0".to_owned())),
                protocol: port.protocol,
            });
        }
        let now = self.now;
        if let Some(container) = self.containers.get_mut(&id) {
            container.state = "running";
            container.ports = ports;
            container.started_at = Some(now);
        }
        self.event("container", "start", &id);
        if spec.command.first().is_some_and(|command| command == "exit") {
            let code = spec
                .command
                .get(1)
                .and_then(|code| code.parse().ok())
                .unwrap_or(0);
            self.end_container(&id, code, true)?;
        }
        Ok(())
    }

    pub fn end_container(&mut self, name: &str, exit_code: i64, must_run: bool) -> Result<()> {
        let container = self.find_container(name)?;
        let (id, runs, auto_remove) = (
            container.id.clone(),
            container.is_running(),
            container.spec.auto_remove,
        );
        if !runs {
            return if must_run {
                Err(Failure::new(
                    ErrorCode::Conflict,
                    format!("Cannot kill container: {name}: Container {id} is not running"),
                ))
            } else {
                Ok(())
            };
        }
        let now = self.now;
        if let Some(container) = self.containers.get_mut(&id) {
            container.state = "exited";
            container.ports.clear();
            container.exit_code = Some(exit_code);
            container.finished_at = Some(now);
        }
        self.event_of("container", "die", &id, Some(exit_code));
        if auto_remove {
            self.containers.remove(&id);
            self.event("container", "destroy", &id);
        }
        Ok(())
    }

    pub fn remove_container(&mut self, name: &str, force: bool) -> Result<()> {
        let container = self.find_container(name)?;
        if container.is_running() && !force {
            return Err(Failure::new(
                ErrorCode::Conflict,
                format!(
                    "You cannot remove a running container {}. Stop the container before attempting removal or force remove",
                    container.id
                ),
            ));
        }
        let id = container.id.clone();
        self.containers.remove(&id);
        self.event("container", "destroy", &id);
        Ok(())
    }
}
