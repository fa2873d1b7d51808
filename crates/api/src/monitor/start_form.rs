//! The Monitor API's flat container form, read as the one form that everything else knows.

mod lines;
mod quantities;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use imagefleet_model::{ContainerSpec, FieldError, RestartPolicy};
use serde::{Deserialize, Deserializer, Serialize};

use lines::{env, label, port, volume};
use words::Words;

/// The container form of the Monitor API. Lists may be left out or null.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(as = MonitorStartForm)]
pub struct StartForm {
    /// Unique on its server.
    container_name: Option<String>,
    /// The container's own host name.
    hostname: Option<String>,
    /// `8080:80/tcp`, `127.0.0.1:8080:80/udp`, or `80` for a host port that the engine chooses.
    #[serde(deserialize_with = "or_default")]
    port_bindings: Vec<String>,
    /// `K=V`.
    #[serde(deserialize_with = "or_default")]
    environment_variables: Vec<String>,
    /// `/on/server:/in/container`, `volume:/in/container`, with `:ro` when it may not be written.
    #[serde(deserialize_with = "or_default")]
    volume_bindings: Vec<String>,
    /// A line as in a shell, or its words.
    #[serde(deserialize_with = "or_default")]
    #[schema(value_type = Option<String>)]
    command: Words,
    /// What follows the command: a line, or its words.
    #[serde(deserialize_with = "or_default")]
    #[schema(value_type = Vec<String>)]
    args: Words,
    /// Absolute path.
    working_directory: Option<String>,
    /// `user[:group]`.
    user: Option<String>,
    /// `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:3`, or an object as in the native API.
    #[schema(value_type = Option<String>)]
    restart_policy: Option<Restart>,
    /// `bridge`, `host`, `none` or a network's name.
    network_mode: Option<String>,
    /// Start it after creation; yes when left out.
    auto_start: Option<bool>,
    /// Remove it when it ends.
    auto_remove: Option<bool>,
    /// All capabilities and devices.
    privileged: Option<bool>,
    /// Processors, `0.5` for half of one.
    #[schema(value_type = Option<f64>)]
    cpu_limit: Option<Number>,
    /// Bytes, or with a unit: `512m`.
    #[schema(value_type = Option<String>)]
    memory_limit: Option<Number>,
    /// A map, or `k=v` lines.
    #[serde(deserialize_with = "or_default")]
    #[schema(value_type = Vec<String>)]
    labels: Labels,
}

/// A number, or a text with one in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Broken(f64),
    Text(String),
}

/// A restart policy in either form.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Restart {
    Text(String),
    Object(RestartPolicy),
}

/// Labels in either form.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Labels {
    Map(BTreeMap<String, String>),
    Lines(Vec<String>),
}

impl Default for Labels {
    fn default() -> Self {
        Self::Lines(Vec::new())
    }
}

fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl StartForm {
    /// The form that the native API takes, or every field that is wrong, named as this API spells it.
    pub fn into_spec(self) -> Result<ContainerSpec, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut command = self.command.split("command", &mut errors);
        command.extend(self.args.split("args", &mut errors));
        let spec = ContainerSpec {
            name: self.container_name.unwrap_or_default().trim().to_owned(),
            hostname: filled(self.hostname),
            ports: read(&self.port_bindings, "portBindings", port, &mut errors),
            env: pairs(
                &self.environment_variables,
                "environmentVariables",
                env,
                &mut errors,
            ),
            volumes: read(&self.volume_bindings, "volumeBindings", volume, &mut errors),
            restart_policy: one(
                "restartPolicy",
                quantities::restart(self.restart_policy),
                &mut errors,
            ),
            network_mode: self.network_mode.unwrap_or_default().trim().to_owned(),
            command,
            entrypoint: None,
            working_dir: filled(self.working_directory),
            user: filled(self.user),
            labels: match self.labels {
                Labels::Map(map) => map,
                Labels::Lines(lines) => pairs(&lines, "labels", label, &mut errors),
            },
            memory_bytes: one("memoryLimit", quantities::memory(self.memory_limit), &mut errors),
            nano_cpus: one("cpuLimit", quantities::nano_cpus(self.cpu_limit), &mut errors),
            privileged: self.privileged.unwrap_or(false),
            auto_remove: self.auto_remove.unwrap_or(false),
            start: self.auto_start.unwrap_or(true),
        };
        if errors.is_empty() {
            spec.check()
                .map_err(|errors| errors.into_iter().map(renamed).collect())
                .map(|()| spec)
        } else {
            Err(errors)
        }
    }
}

/// A field error of the native form, under this API's name.
pub fn renamed(error: FieldError) -> FieldError {
    let (head, index) = match error.field.split_once('[') {
        Some((head, rest)) => (head, rest.split_once(']').map(|(at, _)| format!("[{at}]"))),
        None => (error.field.split('.').next().unwrap_or_default(), None),
    };
    let index = index.unwrap_or_default();
    let field = match head {
        "name" => "containerName".to_owned(),
        "ports" => format!("portBindings{index}"),
        "volumes" => format!("volumeBindings{index}"),
        "env" => error.field.replacen("env", "environmentVariables", 1),
        "workingDir" => "workingDirectory".to_owned(),
        "memoryBytes" => "memoryLimit".to_owned(),
        "nanoCpus" => "cpuLimit".to_owned(),
        "restartPolicy" | "command" => head.to_owned(),
        _ => error.field,
    };
    FieldError::new(field, error.message)
}

fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn one<T: Default>(field: &str, read: Result<T, String>, errors: &mut Vec<FieldError>) -> T {
    read.unwrap_or_else(|message| {
        errors.push(FieldError::new(field, message));
        T::default()
    })
}

fn read<T>(
    lines: &[String],
    field: &str,
    read: impl Fn(&str) -> Result<T, String>,
    errors: &mut Vec<FieldError>,
) -> Vec<T> {
    let mut values = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        match read(line) {
            Ok(value) => values.push(value),
            Err(message) => errors.push(FieldError::new(format!("{field}[{at}]"), message)),
        }
    }
    values
}

fn pairs(
    lines: &[String],
    field: &str,
    pair: impl Fn(&str) -> Result<(String, String), String>,
    errors: &mut Vec<FieldError>,
) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        let message = match pair(line) {
            Ok((name, _)) if map.contains_key(&name) => format!("{name} is there twice"),
            Ok((name, value)) => {
                map.insert(name, value);
                continue;
            }
            Err(message) => message,
        };
        errors.push(FieldError::new(format!("{field}[{at}]"), message));
    }
    map
}
