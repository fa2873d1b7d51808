use std::collections::BTreeMap;

use imagefleet_model::{ContainerSpec, Mount, PortBinding};
use serde_json::{Map, Value, json};

/// The body of `POST /containers/create`. What the form leaves out is left out here too: the image's own value holds.
pub(super) fn create_body(image: &str, spec: &ContainerSpec) -> Value {
    let mut body = Map::new();
    body.insert("Image".to_owned(), json!(image));
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let env: Vec<String> = spec
        .env
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    set("Env", (!env.is_empty()).then(|| json!(env)));
    set("Hostname", filled(spec.hostname.as_ref()));
    set("WorkingDir", filled(spec.working_dir.as_ref()));
    set("User", filled(spec.user.as_ref()));
    set("Cmd", (!spec.command.is_empty()).then(|| json!(spec.command)));
    // An empty list would mean the image's own; a single empty word clears it (as `docker run --entrypoint ""`).
    set(
        "Entrypoint",
        spec.entrypoint.as_ref().map(|words| {
            if words.is_empty() {
                json!([""])
            } else {
                json!(words)
            }
        }),
    );
    set("Labels", (!spec.labels.is_empty()).then(|| json!(spec.labels)));
    let exposed: BTreeMap<String, Value> = spec
        .ports
        .iter()
        .map(|port| (port_key(port), json!({})))
        .collect();
    set("ExposedPorts", (!exposed.is_empty()).then(|| json!(exposed)));
    set("HostConfig", Some(host_config(spec)));
    Value::Object(body)
}

fn filled(value: Option<&String>) -> Option<Value> {
    value.filter(|text| !text.is_empty()).map(|text| json!(text))
}

fn port_key(port: &PortBinding) -> String {
    format!("{}/{}", port.container, port.protocol.as_str())
}

fn host_config(spec: &ContainerSpec) -> Value {
    let mut bindings: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for port in &spec.ports {
        bindings.entry(port_key(port)).or_default().push(json!({
            "HostIp": port.host_ip.as_deref().unwrap_or_default(),
            // Empty: the engine chooses.
            "HostPort": port.host.map(|host| host.to_string()).unwrap_or_default(),
        }));
    }
    let mut config = json!({
        "PortBindings": bindings,
        "RestartPolicy": {
            "Name": spec.restart_policy.name.as_str(),
            "MaximumRetryCount": spec.restart_policy.maximum_retry_count.unwrap_or(0),
        },
        "Privileged": spec.privileged,
        "AutoRemove": spec.auto_remove,
        "Mounts": spec.volumes.iter().map(mount).collect::<Vec<_>>(),
    });
    if !spec.network_mode.is_empty() {
        config["NetworkMode"] = json!(spec.network_mode);
    }
    if let Some(bytes) = spec.memory_bytes {
        config["Memory"] = json!(bytes);
    }
    if let Some(billionths) = spec.nano_cpus {
        config["NanoCpus"] = json!(billionths);
    }
    config
}

/// `Mounts`, not `Binds`: with the old form an engine makes a missing folder on the server, owned by root and empty;
/// with this one it says that the path is missing. (Podman 4 makes the folder in either form.)
fn mount(volume: &Mount) -> Value {
    json!({
        "Type": if volume.source.starts_with('/') { "bind" } else { "volume" },
        "Source": volume.source,
        "Target": volume.target,
        "ReadOnly": volume.read_only,
    })
}

#[cfg(test)]
mod tests {
    use imagefleet_model::ContainerSpec;
    use serde_json::json;

    use super::create_body;

    #[test]
    fn an_empty_form_leaves_everything_to_the_image() {
        let body = create_body("a:1", &ContainerSpec::default());
        assert_eq!(
            body,
            json!({"Image": "a:1", "HostConfig": {
                "PortBindings": {}, "Mounts": [], "Privileged": false, "AutoRemove": false,
                "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
            }})
        );
    }

    #[test]
    fn a_full_form() {
        let spec: ContainerSpec = serde_json::from_value(json!({
            "name": "web", "hostname": "h", "env": {"A": "1=2", "B": ""}, "networkMode": "host",
            "ports": [{"host": 8080, "container": 80}, {"container": 80, "hostIp": "127.0.0.1"}, {"container": 53, "protocol": "udp"}],
            "volumes": [{"source": "/srv", "target": "/data", "readOnly": true}, {"source": "named", "target": "/var"}],
            "restartPolicy": {"name": "on-failure", "maximumRetryCount": 3},
            "command": ["sleep", "1"], "entrypoint": [], "workingDir": "/w", "user": "1:1", "labels": {"l": "v"},
            "memoryBytes": 1024, "nanoCpus": 500, "privileged": true, "autoRemove": true, "start": true
        })).expect("a form");
        let body = create_body("a:1", &spec);
        assert_eq!(
            body,
            json!({"Image": "a:1", "Hostname": "h", "Env": ["A=1=2", "B="], "Cmd": ["sleep", "1"], "Entrypoint": [""],
            "WorkingDir": "/w", "User": "1:1", "Labels": {"l": "v"}, "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
            "HostConfig": {
                "PortBindings": {
                    "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "127.0.0.1", "HostPort": ""}],
                    "53/udp": [{"HostIp": "", "HostPort": ""}],
                },
                "Mounts": [
                    {"Type": "bind", "Source": "/srv", "Target": "/data", "ReadOnly": true},
                    {"Type": "volume", "Source": "named", "Target": "/var", "ReadOnly": false},
                ],
                "NetworkMode": "host", "Memory": 1024, "NanoCpus": 500, "Privileged": true, "AutoRemove": true,
                "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
            }})
        );
    }
}
