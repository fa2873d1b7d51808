use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imagefleet_model::{ErrorCode, Failure, ImageRef};

use super::content::Content;
use crate::Result;

/// A registry in memory, shared by any number of fake engines. It has every repository that somebody asks for, with
/// content that is the same for the same seed, but none below `missing/`. A digest that a tag has is that tag's content.
#[derive(Debug, Clone)]
pub struct FakeRegistry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    seed: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    contents: HashMap<String, Arc<Content>>,
    generations: HashMap<String, u64>,
    refusals: Vec<(String, Failure)>,
}

impl FakeRegistry {
    /// A registry whose content follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Inner {
            seed,
            state: Mutex::default(),
        }))
    }

    /// Puts new content under a reference: engines that pulled it before hold something else now.
    pub fn publish(&self, reference: &ImageRef) {
        let key = key(reference);
        let mut state = self.lock();
        *state.generations.entry(key.clone()).or_default() += 1;
        state.contents.remove(&key);
    }

    /// Every pull of a familiar repository that begins with `prefix` fails like this.
    pub fn refuse(&self, prefix: &str, failure: Failure) {
        self.lock().refusals.push((prefix.to_owned(), failure));
    }

    /// Takes every refusal back.
    pub fn refuse_nothing(&self) {
        self.lock().refusals.clear();
    }

    /// The content under a reference now.
    pub(super) fn content(&self, reference: &ImageRef) -> Result<Arc<Content>> {
        let repository = reference.repository();
        let mut state = self.lock();
        if let Some((_, failure)) = state
            .refusals
            .iter()
            .find(|(prefix, _)| repository.starts_with(prefix.as_str()))
        {
            return Err(failure.clone());
        }
        if reference.path().starts_with("missing/") {
            return Err(Failure::new(
                ErrorCode::ManifestUnknown,
                format!("manifest for {reference} not found: manifest unknown: manifest unknown"),
            ));
        }
        if let Some(digest) = reference.digest() {
            let tagged = format!("{repository}:");
            let mut tags = state.contents.iter().filter(|(key, _)| key.starts_with(&tagged));
            if let Some((_, content)) = tags.find(|(_, content)| *content.manifest_digest == *digest) {
                return Ok(Arc::clone(content));
            }
        }
        let key = key(reference);
        let generation = state.generations.get(&key).copied().unwrap_or(0);
        let seed = self.0.seed;
        let content = state
            .contents
            .entry(key)
            .or_insert_with(|| Arc::new(Content::generated(seed, reference, generation)));
        Ok(Arc::clone(content))
    }

    /// Takes in what an engine pushes.
    pub(super) fn accept(&self, reference: &ImageRef, content: Arc<Content>) {
        self.lock().contents.insert(key(reference), content);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(reference: &ImageRef) -> String {
    reference.to_string()
}
