use serde::{Deserialize, Serialize};

use crate::{Mount, PortBinding, RestartPolicy};

/// A catalogue entry: a known image with a ready container form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Software {
    /// Row id.
    pub id: i64,
    /// Name shown to people.
    pub name: String,
    /// Name of an icon that the page has, or a `data:` URL.
    pub icon: String,
    /// Such as `database`, `web`, `cache`.
    pub category: String,
    /// One or two sentences in English.
    pub description: String,
    /// The same in Chinese; the English ones are shown when empty.
    #[serde(default)]
    pub description_zh: String,
    /// Familiar repository, matched exactly with registry and namespace.
    pub repository: String,
    /// Tag offered first.
    pub default_tag: String,
    /// The ready form.
    pub form: SoftwareForm,
    /// Whether it came with imagefleet.
    pub builtin: bool,
}

/// What a catalogue entry fills into the container form.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SoftwareForm {
    /// Ports to publish.
    pub ports: Vec<PortBinding>,
    /// Environment to ask for.
    pub env: Vec<SoftwareEnv>,
    /// Volumes to mount.
    pub volumes: Vec<Mount>,
    /// Restart policy to offer.
    pub restart_policy: RestartPolicy,
    /// Command, when the image's own is not the one.
    pub command: Vec<String>,
    /// How to see that it is well, for people, in English.
    pub health_hint: String,
    /// The same in Chinese.
    pub health_hint_zh: String,
}

/// One value of the environment that a catalogue entry knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoftwareEnv {
    /// Its name.
    pub name: String,
    /// Offered value.
    #[serde(default)]
    pub value: String,
    /// An empty value is an error.
    #[serde(default)]
    pub required: bool,
    /// Other variables; one that has a value makes this one unnecessary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<String>,
    /// A secret: hidden, and a generated one is offered.
    #[serde(default)]
    pub secret: bool,
    /// What it is for, in English.
    #[serde(default)]
    pub description: String,
    /// The same in Chinese.
    #[serde(default)]
    pub description_zh: String,
}
