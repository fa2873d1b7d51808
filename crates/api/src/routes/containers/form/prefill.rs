use std::collections::BTreeMap;

use imagefleet_engine::ImageConfig;
use imagefleet_model::{
    Container, ContainerSpec, Image, Mount, PortBinding, PortProtocol, RestartPolicy, SoftwareForm,
};

use super::super::secrets::is_secret_name;
use super::{FormEnv, FormSource};

/// A filled form.
#[derive(Debug)]
pub struct Filled {
    pub spec: ContainerSpec,
    pub env: Vec<FormEnv>,
    pub remarks: Vec<String>,
}

/// Fills the form: the image first, then the catalogue, which knows better, then what is free on the server.
pub fn prefill(
    image: &Image,
    config: &ImageConfig,
    form: Option<&SoftwareForm>,
    others: &[Container],
) -> Filled {
    let mut remarks = Vec::new();
    let name = free_name(&suggested_name(image), others);
    let env = env(config, form);
    let spec = ContainerSpec {
        ports: ports(config, form, others, &mut remarks),
        env: env
            .iter()
            .filter(|variable| !variable.value.is_empty() || variable.required)
            .map(|variable| (variable.name.clone(), variable.value.clone()))
            .collect(),
        volumes: volumes(&name, config, form),
        restart_policy: form.map_or_else(RestartPolicy::default, |form| form.restart_policy.clone()),
        network_mode: "bridge".to_owned(),
        command: form.map(|form| form.command.clone()).unwrap_or_default(),
        working_dir: filled(&config.working_dir),
        user: filled(&config.user),
        start: true,
        name,
        ..ContainerSpec::default()
    };
    Filled { spec, env, remarks }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The last part of the repository, as far as an engine takes it for a name.
fn suggested_name(image: &Image) -> String {
    let last = image.repository.rsplit('/').next().unwrap_or_default();
    let allowed: String = last
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') {
                c
            } else {
                '-'
            }
        })
        .collect();
    let name = allowed.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if name.len() < 2 || image.tag.is_none() && name.contains("none") {
        "container".to_owned()
    } else {
        name.to_owned()
    }
}

fn free_name(wanted: &str, others: &[Container]) -> String {
    let taken = |name: &str| others.iter().any(|other| other.name == name);
    if !taken(wanted) {
        return wanted.to_owned();
    }
    // Among so many names more than there are containers one is free.
    (2..=others.len() + 2)
        .map(|number| format!("{wanted}-{number}"))
        .find(|name| !taken(name))
        .unwrap_or_default()
}

fn ports(
    config: &ImageConfig,
    form: Option<&SoftwareForm>,
    others: &[Container],
    remarks: &mut Vec<String>,
) -> Vec<PortBinding> {
    let mut ports: Vec<PortBinding> = form.map(|form| form.ports.clone()).unwrap_or_default();
    for exposed in &config.exposed_ports {
        let (number, word) = exposed.split_once('/').unwrap_or((exposed, "tcp"));
        let protocol = match word {
            "tcp" => PortProtocol::Tcp,
            "udp" => PortProtocol::Udp,
            _ => continue,
        };
        let Ok(container) = number.parse() else { continue };
        if !ports
            .iter()
            .any(|port| port.container == container && port.protocol == protocol)
        {
            ports.push(PortBinding {
                host: None,
                container,
                protocol,
                host_ip: None,
            });
        }
    }
    for port in &mut ports {
        let user = others
            .iter()
            .find(|other| other.ports.iter().any(|used| port.collides(used)));
        if let (Some(user), Some(host)) = (user, port.host) {
            remarks.push(format!(
                "Port {host} is in use by the container {}: the engine will choose another.",
                user.name
            ));
            port.host = None;
        }
    }
    ports
}

/// Variables of the image but its search path, then those of the catalogue in their order.
fn env(config: &ImageConfig, form: Option<&SoftwareForm>) -> Vec<FormEnv> {
    let known = form.map(|form| form.env.as_slice()).unwrap_or_default();
    let set: BTreeMap<&str, &str> = config
        .env
        .iter()
        .filter_map(|line| line.split_once('='))
        .collect();
    let own = set
        .iter()
        .filter(|(name, _)| **name != "PATH" && !known.iter().any(|variable| variable.name == **name))
        .map(|(name, value)| FormEnv {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
            required: false,
            secret: is_secret_name(name),
            unless: Vec::new(),
            description: String::new(),
            description_zh: String::new(),
            from: FormSource::Image,
        });
    let asked = known.iter().map(|variable| FormEnv {
        name: variable.name.clone(),
        value: if variable.value.is_empty() {
            set.get(variable.name.as_str())
                .copied()
                .unwrap_or_default()
                .to_owned()
        } else {
            variable.value.clone()
        },
        required: variable.required,
        secret: variable.secret,
        unless: variable.unless.clone(),
        description: variable.description.clone(),
        description_zh: variable.description_zh.clone(),
        from: FormSource::Software,
    });
    asked.chain(own).collect()
}

fn volumes(name: &str, config: &ImageConfig, form: Option<&SoftwareForm>) -> Vec<Mount> {
    let mut volumes: Vec<Mount> = form.map(|form| form.volumes.clone()).unwrap_or_default();
    for target in &config.volumes {
        if !volumes
            .iter()
            .any(|volume| volume.target.trim_end_matches('/') == target.trim_end_matches('/'))
        {
            let part: String = target
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                .collect();
            volumes.push(Mount {
                source: format!("{name}{part}"),
                target: target.clone(),
                read_only: false,
            });
        }
    }
    volumes
}

#[cfg(test)]
mod tests {
    use imagefleet_engine::ImageConfig;
    use imagefleet_model::{Container, Image, SoftwareForm};
    use serde_json::json;

    use super::{FormSource, prefill};

    fn image(repository: &str) -> Image {
        serde_json::from_value(json!({
            "id": 1, "serverId": 1, "serverName": "a", "softwareId": null, "engineId": "sha256:1", "repository": repository, "tag": "1",
            "fullName": format!("{repository}:1"), "digest": null, "size": 0, "platform": null, "status": "AVAILABLE", "error": null,
            "usedBy": [], "createdAt": null, "firstSeenAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"
        }))
        .expect("an image")
    }

    fn other(name: &str, port: u16) -> Container {
        serde_json::from_value(json!({
            "id": 1, "serverId": 1, "serverName": "a", "engineId": "1", "name": name, "image": "x", "imageId": null, "imageEngineId": "x",
            "softwareId": null, "state": "running", "status": "Up", "imageOutdated": false, "createdAt": null,
            "ports": [{"container": 1, "host": port, "hostIp": "0.0.0.0", "protocol": "tcp"}], "updatedAt": "2026-01-01T00:00:00Z"
        }))
        .expect("a container")
    }

    fn config() -> ImageConfig {
        ImageConfig {
            env: vec![
                "PATH=/bin".to_owned(),
                "MYSQL_MAJOR=8".to_owned(),
                "ODD".to_owned(),
            ],
            command: vec!["mysqld".to_owned()],
            exposed_ports: vec![
                "3306/tcp".to_owned(),
                "33060/tcp".to_owned(),
                "53/udp".to_owned(),
                "9/sctp".to_owned(),
            ],
            volumes: vec!["/var/lib/mysql".to_owned(), "/etc/x.d".to_owned()],
            working_dir: "/w".to_owned(),
            user: "mysql".to_owned(),
            ..ImageConfig::default()
        }
    }

    #[test]
    fn the_image_alone_fills_it() {
        let filled = prefill(&image("host:5000/team/My_App"), &config(), None, &[]);
        let spec = &filled.spec;
        assert!(spec.check().is_ok(), "{:?}", spec.check());
        assert_eq!(spec.name, "My_App");
        let ports: Vec<_> = spec
            .ports
            .iter()
            .map(|port| (port.container, port.host, port.protocol.as_str()))
            .collect();
        assert_eq!(
            ports,
            [(3306, None, "tcp"), (33060, None, "tcp"), (53, None, "udp")]
        );
        assert_eq!(spec.env.keys().collect::<Vec<_>>(), ["MYSQL_MAJOR"]);
        assert_eq!(spec.volumes[1].source, "My_App-etc-x-d");
        assert_eq!(
            (spec.user.as_deref(), spec.working_dir.as_deref()),
            (Some("mysql"), Some("/w"))
        );
        assert!(spec.command.is_empty() && spec.start);
    }

    #[test]
    fn the_catalogue_knows_better_and_what_is_taken_is_left() {
        let form: SoftwareForm = serde_json::from_value(json!({
            "ports": [{"host": 3306, "container": 3306}],
            "env": [{"name": "MYSQL_ROOT_PASSWORD", "required": true, "secret": true}, {"name": "MYSQL_DATABASE"}],
            "volumes": [{"source": "mysql-data", "target": "/var/lib/mysql"}],
            "restartPolicy": {"name": "unless-stopped"}, "command": ["--x"]
        }))
        .expect("a form");
        let free = prefill(&image("mysql"), &config(), Some(&form), &[]);
        assert_eq!(
            (free.spec.name.as_str(), free.spec.ports[0].host),
            ("mysql", Some(3306))
        );
        assert_eq!(
            free.spec
                .volumes
                .iter()
                .map(|volume| volume.source.as_str())
                .collect::<Vec<_>>(),
            ["mysql-data", "mysql-etc-x-d"]
        );
        assert_eq!(free.spec.command, ["--x"]);
        let env: Vec<_> = free
            .env
            .iter()
            .map(|variable| (variable.name.as_str(), variable.required, variable.from))
            .collect();
        assert_eq!(
            env,
            [
                ("MYSQL_ROOT_PASSWORD", true, FormSource::Software),
                ("MYSQL_DATABASE", false, FormSource::Software),
                ("MYSQL_MAJOR", false, FormSource::Image)
            ]
        );
        // The empty required value stays, for the person to fill; the empty optional one does not.
        assert_eq!(
            free.spec.env.keys().collect::<Vec<_>>(),
            ["MYSQL_MAJOR", "MYSQL_ROOT_PASSWORD"]
        );
        assert!(free.spec.check_required(&form).is_err());

        let busy = prefill(
            &image("mysql"),
            &config(),
            Some(&form),
            &[other("mysql", 3306), other("mysql-2", 1)],
        );
        assert_eq!(
            (busy.spec.name.as_str(), busy.spec.ports[0].host),
            ("mysql-3", None)
        );
        assert_eq!(busy.remarks.len(), 1);
    }

    #[test]
    fn names_that_no_engine_takes_are_not_suggested() {
        assert_eq!(
            prefill(&image("x"), &ImageConfig::default(), None, &[]).spec.name,
            "container"
        );
        let mut untagged = image("<none>");
        untagged.tag = None;
        assert_eq!(
            prefill(&untagged, &ImageConfig::default(), None, &[]).spec.name,
            "container"
        );
    }
}
