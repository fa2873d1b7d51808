use serde::{Deserialize, Serialize};

use crate::{Glob, ServerId};

/// One thing that a role may allow.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub enum Verb {
    /// See servers, images, containers and operations.
    #[serde(rename = "image:view")]
    ImageView,
    /// Pull images and sync servers.
    #[serde(rename = "image:pull")]
    ImagePull,
    /// Push and tag images.
    #[serde(rename = "image:push")]
    ImagePush,
    /// Delete images.
    #[serde(rename = "image:delete")]
    ImageDelete,
    /// Export images and download archives.
    #[serde(rename = "image:export")]
    ImageExport,
    /// Upload and import archives.
    #[serde(rename = "image:import")]
    ImageImport,
    /// Copy images to a server.
    #[serde(rename = "image:copy")]
    ImageCopy,
    /// Create containers.
    #[serde(rename = "container:create")]
    ContainerCreate,
    /// Start, stop and remove containers, read their logs and environment.
    #[serde(rename = "container:manage")]
    ContainerManage,
    /// Add, edit and remove servers.
    #[serde(rename = "server:manage")]
    ServerManage,
    /// Add, edit and remove registries.
    #[serde(rename = "registry:manage")]
    RegistryManage,
    /// Edit the catalogue.
    #[serde(rename = "software:manage")]
    SoftwareManage,
    /// Manage users, roles and everybody's sessions.
    #[serde(rename = "user:manage")]
    UserManage,
    /// Read the audit log.
    #[serde(rename = "audit:view")]
    AuditView,
}

impl Verb {
    /// All verbs.
    pub const ALL: &'static [Self] = &[
        Self::ImageView,
        Self::ImagePull,
        Self::ImagePush,
        Self::ImageDelete,
        Self::ImageExport,
        Self::ImageImport,
        Self::ImageCopy,
        Self::ContainerCreate,
        Self::ContainerManage,
        Self::ServerManage,
        Self::RegistryManage,
        Self::SoftwareManage,
        Self::UserManage,
        Self::AuditView,
    ];

    /// The stable word, `image:pull`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ImageView => "image:view",
            Self::ImagePull => "image:pull",
            Self::ImagePush => "image:push",
            Self::ImageDelete => "image:delete",
            Self::ImageExport => "image:export",
            Self::ImageImport => "image:import",
            Self::ImageCopy => "image:copy",
            Self::ContainerCreate => "container:create",
            Self::ContainerManage => "container:manage",
            Self::ServerManage => "server:manage",
            Self::RegistryManage => "registry:manage",
            Self::SoftwareManage => "software:manage",
            Self::UserManage => "user:manage",
            Self::AuditView => "audit:view",
        }
    }

    /// The verb of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|verb| verb.as_str() == word)
    }
}

/// A named set of verbs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its name, also its id.
    pub name: String,
    /// What it allows.
    pub verbs: Vec<Verb>,
    /// Whether it came with imagefleet and cannot be changed.
    #[serde(default)]
    pub builtin: bool,
}

/// The roles that every installation has.
#[must_use]
pub fn builtin_roles() -> Vec<Role> {
    let operator = Verb::ALL
        .iter()
        .copied()
        .filter(|verb| {
            !matches!(
                verb,
                Verb::ServerManage
                    | Verb::RegistryManage
                    | Verb::SoftwareManage
                    | Verb::UserManage
                    | Verb::AuditView
            )
        })
        .collect();
    vec![
        Role {
            name: "admin".to_owned(),
            verbs: Verb::ALL.to_vec(),
            builtin: true,
        },
        Role {
            name: "operator".to_owned(),
            verbs: operator,
            builtin: true,
        },
        Role {
            name: "viewer".to_owned(),
            verbs: vec![Verb::ImageView],
            builtin: true,
        },
    ]
}

/// On which servers a grant holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GrantServers {
    /// On all, also those that come later.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// On these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<ServerId>,
    /// On those that carry one of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// A role, given on servers and repositories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// The role's name.
    pub role: String,
    /// Where it holds.
    #[serde(default)]
    pub servers: GrantServers,
    /// Patterns over familiar repositories; `*` for all. Nothing given means all.
    #[serde(default = "every_repository")]
    pub repositories: Vec<String>,
}

fn every_repository() -> Vec<String> {
    vec!["*".to_owned()]
}

/// A grant as it holds now: its role's verbs, its tags resolved to servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    /// What may be done.
    pub verbs: Vec<Verb>,
    /// On which servers; `null` means all.
    pub servers: Option<Vec<ServerId>>,
    /// For which familiar repositories, as patterns; `null` means all.
    pub repositories: Option<Vec<String>>,
}

/// What one caller may do: grants with their roles' verbs and their tags resolved to servers. Deny by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    verbs: Vec<Verb>,
    /// `None` means every server.
    servers: Option<Vec<ServerId>>,
    /// `None` means every repository.
    repositories: Option<Vec<Glob>>,
}

impl Access {
    /// Everything: the program itself, and tests.
    #[must_use]
    pub fn full() -> Self {
        Self {
            parts: vec![Part {
                verbs: Verb::ALL.to_vec(),
                servers: None,
                repositories: None,
            }],
        }
    }

    /// Adds a grant: `servers` are the ids that its tags and ids mean now, `None` for all.
    pub fn add(&mut self, verbs: Vec<Verb>, servers: Option<Vec<ServerId>>, repositories: &[String]) {
        let globs: Vec<Glob> = repositories.iter().map(|pattern| Glob::new(pattern)).collect();
        let repositories = if globs.iter().any(Glob::matches_all) {
            None
        } else {
            Some(globs)
        };
        self.parts.push(Part {
            verbs,
            servers,
            repositories,
        });
    }

    /// The parts as the page reads them, so that it offers only what would be allowed.
    #[must_use]
    pub fn rights(&self) -> Vec<Right> {
        self.parts
            .iter()
            .map(|part| Right {
                verbs: part.verbs.clone(),
                servers: part.servers.clone(),
                repositories: part
                    .repositories
                    .as_ref()
                    .map(|globs| globs.iter().map(|glob| glob.as_str().to_owned()).collect()),
            })
            .collect()
    }

    /// Only what `verbs` allows too: a token with a narrower scope than its user.
    #[must_use]
    pub fn narrowed(mut self, verbs: &[Verb]) -> Self {
        for part in &mut self.parts {
            part.verbs.retain(|verb| verbs.contains(verb));
        }
        self
    }

    /// Whether the verb is held anywhere at all: what the page shows.
    #[must_use]
    pub fn holds(&self, verb: Verb) -> bool {
        self.parts
            .iter()
            .any(|part| part.verbs.contains(&verb) && part.servers.as_ref().is_none_or(|s| !s.is_empty()))
    }

    /// Whether the verb is held on every server and repository: what concerns no single server needs it.
    #[must_use]
    pub fn holds_everywhere(&self, verb: Verb) -> bool {
        self.parts
            .iter()
            .any(|part| part.verbs.contains(&verb) && part.servers.is_none() && part.repositories.is_none())
    }

    /// Whether the verb is held on that server for some repository.
    #[must_use]
    pub fn on_server(&self, verb: Verb, server: ServerId) -> bool {
        self.parts.iter().any(|part| part.covers(verb, server))
    }

    /// Whether the verb is held on that server for that familiar repository.
    #[must_use]
    pub fn on_image(&self, verb: Verb, server: ServerId, repository: &str) -> bool {
        self.parts.iter().any(|part| {
            part.covers(verb, server)
                && part
                    .repositories
                    .as_ref()
                    .is_none_or(|globs| globs.iter().any(|glob| glob.matches(repository)))
        })
    }

    /// Whether the verb is held on that server for every repository.
    #[must_use]
    pub fn on_whole_server(&self, verb: Verb, server: ServerId) -> bool {
        self.parts
            .iter()
            .any(|part| part.covers(verb, server) && part.repositories.is_none())
    }

    /// The parts that hold the verb, for a filter in SQL: servers (`None` = all) and repositories (`None` = all).
    pub fn scopes(&self, verb: Verb) -> impl Iterator<Item = (Option<&[ServerId]>, Option<&[Glob]>)> {
        self.parts
            .iter()
            .filter(move |part| part.verbs.contains(&verb))
            .map(|part| (part.servers.as_deref(), part.repositories.as_deref()))
    }
}

impl Part {
    fn covers(&self, verb: Verb, server: ServerId) -> bool {
        self.verbs.contains(&verb)
            && self
                .servers
                .as_ref()
                .is_none_or(|servers| servers.contains(&server))
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Verb, builtin_roles};

    #[test]
    fn nothing_is_allowed_by_default() {
        let nobody = Access::default();
        assert!(
            Verb::ALL
                .iter()
                .all(|verb| !nobody.holds(*verb) && !nobody.on_server(*verb, 1))
        );
    }

    #[test]
    fn a_grant_holds_only_where_it_was_given() {
        let mut access = Access::default();
        access.add(
            vec![Verb::ImageView, Verb::ImagePull],
            Some(vec![1]),
            &["team/*".to_owned()],
        );
        assert!(access.on_image(Verb::ImagePull, 1, "team/app"));
        assert!(!access.on_image(Verb::ImagePull, 1, "other/app"));
        assert!(!access.on_image(Verb::ImagePull, 2, "team/app"));
        assert!(!access.on_image(Verb::ImageDelete, 1, "team/app"));
        assert!(access.on_server(Verb::ImagePull, 1) && !access.on_whole_server(Verb::ImagePull, 1));
        assert!(!access.holds_everywhere(Verb::ImagePull));
        let [right] = access.rights().try_into().expect("one right");
        assert_eq!(right.servers, Some(vec![1]));
        assert_eq!(right.repositories, Some(vec!["team/*".to_owned()]));
        assert!(!access.narrowed(&[Verb::ImageView]).holds(Verb::ImagePull));
    }

    #[test]
    fn only_admin_manages() {
        let roles = builtin_roles();
        let holders: Vec<_> = roles
            .iter()
            .filter(|role| role.verbs.contains(&Verb::UserManage))
            .map(|role| role.name.as_str())
            .collect();
        assert_eq!(holders, ["admin"]);
    }
}
