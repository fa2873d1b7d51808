use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use imagefleet_model::{EngineImage, ErrorCode, Failure, ImageRef, ImageStore, Timestamp};

use super::FakeOptions;
use super::containers::FakeContainer;
use super::content::{Content, Layer};
use super::random::Random;
use crate::{EngineEvent, Removed, Result};

/// Of the past, this many events are kept.
const EVENTS: usize = 10_000;
/// How many references there are in the world that seeds draw from.
const REFERENCES: u64 = 50_000;
/// Names that people know, for the front of the list.
const KNOWN: [&str; 8] = [
    "nginx",
    "redis",
    "mysql",
    "postgres",
    "busybox",
    "alpine",
    "bitnami/redis",
    "127.0.0.1:5000/ns/app",
];

/// Everything that an engine knows.
#[derive(Debug)]
pub(super) struct State {
    store: ImageStore,
    /// By id.
    images: BTreeMap<Arc<str>, Held>,
    /// Familiar references to ids.
    references: BTreeMap<Arc<str>, Arc<str>>,
    pub containers: BTreeMap<String, FakeContainer>,
    pub made: u64,
    pub seed: u64,
    pub now: Timestamp,
    events: VecDeque<EngineEvent>,
    forgotten: u64,
}

#[derive(Debug)]
struct Held {
    content: Arc<Content>,
    /// `repository@sha256:…`
    digests: Vec<Arc<str>>,
}

impl State {
    pub fn seeded(options: &FakeOptions) -> Self {
        let mut state = Self {
            store: options.store,
            images: BTreeMap::new(),
            references: BTreeMap::new(),
            containers: BTreeMap::new(),
            made: 0,
            seed: options.seed,
            now: options.clock.now(),
            events: VecDeque::new(),
            forgotten: 0,
        };
        let mut random = Random::new(options.seed);
        while state.images.len() < options.images {
            let Ok(reference) = ImageRef::parse(&seeded_reference(random.below(REFERENCES))) else {
                continue;
            };
            let Ok(content) = options.registry.content(&reference) else {
                continue;
            };
            state.store(&reference, content, "pull");
            // Some lost their name to a newer build.
            if random.below(40) == 0 {
                state.references.remove(reference.to_string().as_str());
            }
        }
        let names: Vec<String> = state.references.keys().map(ToString::to_string).collect();
        for (number, name) in names.iter().enumerate().take(options.containers) {
            let spec = imagefleet_model::ContainerSpec {
                name: format!("container-{number}"),
                ..Default::default()
            };
            if let Ok(id) = state.create_container(name, &spec) {
                // Nothing is in its way: it has no ports and no mounts.
                let _ = state.start_container(&id);
            }
        }
        state.events.clear();
        state
    }

    pub fn image_count(&self) -> usize {
        self.images.len()
    }

    fn id_of(&self, content: &Content) -> Arc<str> {
        match self.store {
            ImageStore::Containerd => Arc::clone(&content.manifest_digest),
            ImageStore::Classic | ImageStore::Podman => Arc::clone(&content.config_digest),
        }
    }

    /// Takes an image in under a reference, which may have named another one until now.
    pub fn store(&mut self, reference: &ImageRef, content: Arc<Content>, action: &str) {
        let id = self.id_of(&content);
        let name: Arc<str> = reference.to_string().into();
        let pulled = action == "pull";
        let digest: Arc<str> = format!("{}@{}", reference.repository(), content.manifest_digest).into();
        let held = self.images.entry(Arc::clone(&id)).or_insert_with(|| Held {
            content,
            digests: Vec::new(),
        });
        if pulled && !held.digests.contains(&digest) {
            held.digests.push(digest);
        }
        if reference.tag().is_some() && reference.digest().is_none() {
            self.references.insert(Arc::clone(&name), id);
        }
        self.event("image", action, &name);
    }

    /// Takes an image in without a name.
    pub fn store_untagged(&mut self, content: Arc<Content>) -> Arc<str> {
        let id = self.id_of(&content);
        self.images.entry(Arc::clone(&id)).or_insert_with(|| Held {
            content,
            digests: Vec::new(),
        });
        self.event("image", "load", &id);
        id
    }

    /// The id behind a reference, a digest, an id or the beginning of one.
    pub fn resolve(&self, name: &str) -> Result<Arc<str>> {
        let missing = || Failure::new(ErrorCode::ImageNotFound, format!("No such image: {name}"));
        if let Some((id, _)) = self.images.get_key_value(name) {
            return Ok(Arc::clone(id));
        }
        let hex = name.strip_prefix("sha256:").unwrap_or(name);
        if hex.len() >= 12 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let prefix = format!("sha256:{hex}");
            return self
                .images
                .keys()
                .find(|id| id.starts_with(&prefix))
                .cloned()
                .ok_or_else(missing);
        }
        let reference = ImageRef::parse(name).map_err(|_| missing())?.with_default_tag();
        if let Some(digest) = reference.digest() {
            let wanted = format!("{}@{digest}", reference.repository());
            return self
                .images
                .iter()
                .find(|(_, held)| held.digests.iter().any(|known| **known == *wanted))
                .map(|(id, _)| Arc::clone(id))
                .ok_or_else(missing);
        }
        self.references
            .get(reference.to_string().as_str())
            .cloned()
            .ok_or_else(missing)
    }

    pub fn content(&self, name: &str) -> Result<Arc<Content>> {
        let id = self.resolve(name)?;
        self.images
            .get(&id)
            .map(|held| Arc::clone(&held.content))
            .ok_or_else(|| Failure::new(ErrorCode::ImageNotFound, format!("No such image: {name}")))
    }

    pub fn list(&self) -> Vec<EngineImage> {
        let mut tags: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (reference, id) in &self.references {
            tags.entry(id).or_default().push(reference.to_string());
        }
        self.images
            .iter()
            .map(|(id, held)| EngineImage {
                id: id.to_string(),
                repo_tags: tags.remove(&**id).unwrap_or_default(),
                repo_digests: held.digests.iter().map(ToString::to_string).collect(),
                size: held.content.size(),
                created_at: Some(held.content.created_at),
                platform: None,
            })
            .collect()
    }

    /// Every reference and digest of an id.
    pub fn names(&self, id: &str) -> (Vec<String>, Vec<String>) {
        let tags = self
            .references
            .iter()
            .filter(|(_, held)| &***held == id)
            .map(|(reference, _)| reference.to_string())
            .collect();
        let digests = self
            .images
            .get(id)
            .map(|held| held.digests.iter().map(ToString::to_string).collect())
            .unwrap_or_default();
        (tags, digests)
    }

    /// Diff ids of every layer that is there.
    pub fn layers(&self) -> HashSet<Arc<str>> {
        self.images
            .values()
            .flat_map(|held| held.content.layers.iter().map(|layer| Arc::clone(&layer.diff_id)))
            .collect()
    }

    /// A layer that is there.
    pub fn layer(&self, diff_id: &str) -> Option<Layer> {
        self.images
            .values()
            .flat_map(|held| &held.content.layers)
            .find(|layer| &*layer.diff_id == diff_id)
            .cloned()
    }

    pub fn tag(&mut self, source: &str, reference: &ImageRef) -> Result<()> {
        let id = self.resolve(source)?;
        self.references
            .insert(reference.to_string().into(), Arc::clone(&id));
        self.event("image", "tag", &id);
        Ok(())
    }

    /// Removes a reference, and the content with the last one.
    pub fn remove(&mut self, name: &str, force: bool) -> Result<Vec<Removed>> {
        let id = self.resolve(name)?;
        let (tags, digests) = self.names(&id);
        let by_reference = ImageRef::parse(name).ok().map(ImageRef::with_default_tag);
        let named = by_reference
            .map(|reference| reference.to_string())
            .filter(|reference| tags.contains(reference));
        let users: Vec<&FakeContainer> = self
            .containers
            .values()
            .filter(|used| used.image_id == id)
            .collect();
        let last = named.is_none() || tags.len() == 1;
        if last {
            if named.is_none() && tags.len() > 1 && !force {
                return Err(Failure::new(
                    ErrorCode::ImageHasDependents,
                    format!(
                        "conflict: unable to delete {name} (must be forced) - image is referenced in multiple repositories"
                    ),
                ));
            }
            if let Some(user) = users.iter().find(|user| user.is_running() || !force) {
                return Err(Failure::new(
                    ErrorCode::ImageInUse,
                    format!(
                        "conflict: unable to remove {name} - container {} is using its referenced image",
                        user.name
                    ),
                ));
            }
        }
        let gone: BTreeSet<String> = match named {
            Some(reference) => BTreeSet::from([reference]),
            None => tags.iter().cloned().collect(),
        };
        let mut removed = Vec::new();
        for reference in gone {
            self.references.remove(reference.as_str());
            self.event("image", "untag", &id);
            removed.push(Removed::Untagged(reference));
        }
        if last && users_are_gone(&self.containers, &id, force) {
            self.images.remove(&id);
            self.event("image", "delete", &id);
            removed.extend(digests.into_iter().map(Removed::Untagged));
            removed.push(Removed::Deleted(id.to_string()));
        }
        Ok(removed)
    }

    pub fn event(&mut self, kind: &str, action: &str, id: &str) {
        self.event_of(kind, action, id, None);
    }

    /// The same with the exit code of a container that ended.
    pub fn event_of(&mut self, kind: &str, action: &str, id: &str, exit_code: Option<i64>) {
        if self.events.len() == EVENTS {
            self.events.pop_front();
            self.forgotten += 1;
        }
        self.events.push_back(EngineEvent {
            kind: kind.to_owned(),
            action: action.to_owned(),
            id: id.to_owned(),
            at: Some(self.now),
            exit_code,
        });
    }

    /// How many events there ever were.
    pub fn event_count(&self) -> u64 {
        self.forgotten + self.events.len() as u64
    }

    /// The event of that number, unless it is forgotten or still to come.
    pub fn event_at(&self, number: u64) -> Option<EngineEvent> {
        let at = usize::try_from(number.checked_sub(self.forgotten)?).ok()?;
        self.events.get(at).cloned()
    }

    /// The number of the first event at or after that moment.
    pub fn first_event_since(&self, since: Timestamp) -> u64 {
        let before = self
            .events
            .iter()
            .take_while(|event| event.at.is_some_and(|at| at < since))
            .count();
        self.forgotten + before as u64
    }
}

/// Forced removal leaves stopped containers behind without their image, as engines do.
fn users_are_gone(containers: &BTreeMap<String, FakeContainer>, id: &str, force: bool) -> bool {
    force || !containers.values().any(|used| &*used.image_id == id)
}

/// One of the references of the world.
fn seeded_reference(number: u64) -> String {
    let (name, version) = (number / 25, number % 25);
    match usize::try_from(name).ok().and_then(|at| KNOWN.get(at)) {
        Some(known) => format!("{known}:1.{version}"),
        None => format!("team{}/app{}:1.{version}", name % 40, name / 40),
    }
}
