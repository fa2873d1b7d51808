use std::collections::HashSet;

use imagefleet_model::{ImageRef, SoftwareForm};
use imagefleet_store::NewSoftware;
use serde::{Deserialize, Serialize};

use crate::{FieldError, Problem};

const LARGEST_ICON: usize = 64 * 1024;
const MOST_ROWS: usize = 200;

/// A catalogue entry without its id.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SoftwareBody {
    /// Name shown to people.
    pub name: String,
    /// Name of an icon that the page has, or a `data:image/…` URL.
    pub icon: String,
    /// Such as `database`, `web`, `cache`.
    pub category: String,
    /// One or two sentences.
    pub description: String,
    /// The same in Chinese.
    pub description_zh: String,
    /// Familiar repository, matched exactly with registry and namespace.
    #[schema(example = "registry.example.com:5000/team/app")]
    pub repository: String,
    /// Tag offered first; `latest` when empty.
    pub default_tag: String,
    /// What it fills into the container form.
    pub form: SoftwareForm,
}

impl From<NewSoftware> for SoftwareBody {
    fn from(entry: NewSoftware) -> Self {
        Self {
            name: entry.name,
            icon: entry.icon,
            category: entry.category,
            description: entry.description,
            description_zh: entry.description_zh,
            repository: entry.repository,
            default_tag: entry.default_tag,
            form: entry.form,
        }
    }
}

impl SoftwareBody {
    /// The entry, when everything about it is right. `at` stands before the names of wrong fields.
    pub fn check(self, at: &str) -> Result<NewSoftware, Problem> {
        let mut faults = Vec::new();
        let mut add = |field: &str, message: &str| {
            faults.push(FieldError {
                field: format!("{at}{field}"),
                message: message.to_owned(),
            });
        };
        let name = self.name.trim().to_owned();
        if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            add("name", "must have 1 to 100 printable characters");
        }
        if !icon_is_good(&self.icon) {
            add(
                "icon",
                "must be a short name, or a data:image/ URL of at most 64 KiB",
            );
        }
        let category = self.category.trim().to_owned();
        if category.chars().count() > 50 || category.chars().any(char::is_control) {
            add("category", "must have at most 50 printable characters");
        }
        if self.description.chars().count() > 2000 || self.description_zh.chars().count() > 2000 {
            add("description", "must have at most 2000 characters");
        }
        let default_tag = Some(self.default_tag.trim())
            .filter(|tag| !tag.is_empty())
            .unwrap_or("latest");
        let repository = match ImageRef::parse(self.repository.trim()) {
            Ok(reference) if reference.tag().is_none() && reference.digest().is_none() => {
                if reference.with_tag(default_tag).is_err() {
                    add("defaultTag", "is not a tag");
                }
                reference.repository()
            }
            Ok(_) => {
                add(
                    "repository",
                    "must not have a tag or digest: the tag has its own field",
                );
                String::new()
            }
            Err(error) => {
                add("repository", &error.0);
                String::new()
            }
        };
        form_faults(&self.form, &mut add);
        if !faults.is_empty() {
            return Err(Problem::fields(faults));
        }
        Ok(NewSoftware {
            name,
            icon: self.icon,
            category,
            description: self.description,
            description_zh: self.description_zh,
            repository,
            default_tag: default_tag.to_owned(),
            form: self.form,
        })
    }
}

fn icon_is_good(icon: &str) -> bool {
    let named = icon.len() <= 64
        && icon
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let drawn = icon.starts_with("data:image/")
        && icon.len() <= LARGEST_ICON
        && icon.chars().all(|c| c.is_ascii_graphic());
    named || drawn
}

fn form_faults(form: &SoftwareForm, add: &mut impl FnMut(&str, &str)) {
    let (mut published, mut named, mut mounted) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (at, port) in form.ports.iter().enumerate() {
        if port.container == 0 || port.host == Some(0) {
            add(&format!("form.ports[{at}]"), "a port is 1 to 65535");
        }
        if port
            .host
            .is_some_and(|host| !published.insert((host, port.protocol, port.host_ip.clone())))
        {
            add(&format!("form.ports[{at}].host"), "is published twice");
        }
    }
    for (at, env) in form.env.iter().enumerate() {
        let bad = env.name.is_empty()
            || env
                .name
                .chars()
                .any(|c| c == '=' || c.is_whitespace() || c.is_control());
        if bad || env.value.contains('\0') {
            add(
                &format!("form.env[{at}].name"),
                "must be a name without = and white space",
            );
        } else if !named.insert(env.name.as_str()) {
            add(&format!("form.env[{at}].name"), "is there twice");
        }
    }
    for (at, volume) in form.volumes.iter().enumerate() {
        if !volume.target.starts_with('/') || volume.target.contains(['\0', ':']) {
            add(&format!("form.volumes[{at}].target"), "must be an absolute path");
        } else if !mounted.insert(volume.target.as_str()) {
            add(&format!("form.volumes[{at}].target"), "is mounted twice");
        }
        if volume.source.is_empty() || volume.source.contains(['\0', ':']) {
            add(
                &format!("form.volumes[{at}].source"),
                "must be an absolute path or a volume's name",
            );
        }
    }
    let most = form
        .ports
        .len()
        .max(form.env.len())
        .max(form.volumes.len())
        .max(form.command.len());
    if most > MOST_ROWS {
        add("form", "has more than 200 rows of a kind");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::SoftwareBody;

    fn faults(body: serde_json::Value) -> Vec<String> {
        let body: SoftwareBody = serde_json::from_value(body).expect("it reads");
        match body.check("") {
            Ok(_) => vec![],
            Err(problem) => problem
                .body(None)
                .errors
                .into_iter()
                .map(|error| error.field)
                .collect(),
        }
    }

    #[test]
    fn repositories_become_familiar_and_a_tag_is_offered() {
        let body: SoftwareBody =
            serde_json::from_value(json!({"name": " X ", "repository": "docker.io/library/mysql"}))
                .expect("it reads");
        let entry = body.check("").expect("right");
        assert_eq!(
            (
                entry.name.as_str(),
                entry.repository.as_str(),
                entry.default_tag.as_str()
            ),
            ("X", "mysql", "latest")
        );
    }

    #[test]
    fn every_wrong_field_is_named() {
        assert_eq!(faults(json!({})), ["name", "repository"]);
        let mut body = json!({"name": "x", "repository": "a:1"});
        assert_eq!(faults(body.clone()), ["repository"]);
        body["repository"] = json!("a");
        body["defaultTag"] = json!("-");
        body["icon"] = json!("javascript:alert(1)");
        body["form"] = json!({
            "ports": [{"host": 80, "container": 80}, {"host": 80, "container": 81}, {"container": 0}],
            "env": [{"name": "A=B"}, {"name": "C"}, {"name": "C"}],
            "volumes": [{"source": "v", "target": "data"}, {"source": "", "target": "/x"}],
        });
        assert_eq!(
            faults(body),
            [
                "icon",
                "defaultTag",
                "form.ports[1].host",
                "form.ports[2]",
                "form.env[0].name",
                "form.env[2].name",
                "form.volumes[0].target",
                "form.volumes[1].source",
            ]
        );
    }
}
