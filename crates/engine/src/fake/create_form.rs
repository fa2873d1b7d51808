//! Reading the body of `POST /containers/create`, as far as the connector writes it.

use std::collections::BTreeMap;

use imagefleet_model::{ContainerSpec, Mount, PortBinding, PortProtocol, RestartPolicy};
use serde::Deserialize;

/// The body.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CreateForm {
    image: String,
    env: Vec<String>,
    hostname: Option<String>,
    working_dir: Option<String>,
    user: Option<String>,
    cmd: Vec<String>,
    entrypoint: Option<Vec<String>>,
    labels: BTreeMap<String, String>,
    host_config: HostForm,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostForm {
    port_bindings: BTreeMap<String, Vec<PlaceForm>>,
    mounts: Vec<MountForm>,
    restart_policy: RestartForm,
    network_mode: String,
    memory: Option<i64>,
    nano_cpus: Option<i64>,
    privileged: bool,
    auto_remove: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct PlaceForm {
    host_ip: String,
    host_port: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct MountForm {
    source: String,
    target: String,
    read_only: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RestartForm {
    name: String,
    maximum_retry_count: i64,
}

/// The image and the form that the body was made from.
pub(super) fn read(form: CreateForm, name: String) -> (String, ContainerSpec) {
    let host = form.host_config;
    let env = form.env.iter().map(|line| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        (name.to_owned(), value.to_owned())
    });
    let spec = ContainerSpec {
        name,
        hostname: form.hostname,
        ports: host
            .port_bindings
            .iter()
            .flat_map(|(key, places)| places.iter().filter_map(|place| port(key, place)))
            .collect(),
        env: env.collect(),
        volumes: host.mounts.into_iter().map(mount).collect(),
        restart_policy: restart_policy(&host.restart_policy),
        network_mode: host.network_mode,
        command: form.cmd,
        entrypoint: form.entrypoint,
        working_dir: form.working_dir,
        user: form.user,
        labels: form.labels,
        memory_bytes: host.memory,
        nano_cpus: host.nano_cpus,
        privileged: host.privileged,
        auto_remove: host.auto_remove,
        start: false,
    };
    (form.image, spec)
}

/// `80/tcp`, and where it is to be published.
fn port(key: &str, place: &PlaceForm) -> Option<PortBinding> {
    let (number, word) = key.split_once('/').unwrap_or((key, "tcp"));
    Some(PortBinding {
        host: place.host_port.parse().ok(),
        container: number.parse().ok()?,
        protocol: if word == "udp" {
            PortProtocol::Udp
        } else {
            PortProtocol::Tcp
        },
        host_ip: Some(place.host_ip.clone()).filter(|ip| !ip.is_empty()),
    })
}

fn mount(form: MountForm) -> Mount {
    Mount {
        source: form.source,
        target: form.target,
        read_only: form.read_only,
    }
}

fn restart_policy(form: &RestartForm) -> RestartPolicy {
    let name = serde_json::from_value(serde_json::json!(form.name)).unwrap_or_default();
    RestartPolicy {
        name,
        maximum_retry_count: Some(form.maximum_retry_count).filter(|count| *count > 0),
    }
}
