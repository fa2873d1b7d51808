use std::cmp::Ordering;

use futures_util::StreamExt as _;
use imagefleet_model::{ErrorInfo, Failure, Page, PageRequest};
use serde::{Deserialize, Serialize};

use super::RegistryClient;
use super::manifest::pull_scope;

/// Tags of one page of the registry's list.
const AT_ONCE: u32 = 1000;
const MOST_PAGES: usize = 50;
/// Tags that are looked at in parallel.
const IN_PARALLEL: usize = 6;

/// A tag of a repository, before anything is pulled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundTag {
    /// The tag.
    pub name: String,
    /// What to pull, `registry.example.com:5000/team/app:1.2`.
    pub full_name: String,
    /// The digest that it stands for now.
    pub digest: Option<String>,
    /// Compressed bytes: of the only platform, or of the first one.
    pub size: Option<u64>,
    /// What it holds for which platform.
    pub platforms: Vec<TagPlatform>,
    /// Why this tag could not be looked at.
    pub error: Option<ErrorInfo>,
}

/// What a tag holds for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagPlatform {
    /// `linux/amd64`, `linux/arm64/v8`, when told.
    pub platform: Option<String>,
    /// Digest of its manifest.
    pub digest: String,
    /// Compressed bytes of its layers and configuration.
    pub size: Option<u64>,
}

#[derive(Deserialize)]
struct TagList {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl RegistryClient {
    /// A page of the tags of a repository (its path in the registry) that contain `search`, newest version first, each
    /// with its digest, platforms and size.
    pub async fn tags(
        &self,
        repository: &str,
        search: &str,
        page: PageRequest,
    ) -> Result<Page<FoundTag>, Failure> {
        let wanted = search.trim().to_lowercase();
        let mut names = self.tag_names(repository).await?;
        names.retain(|name| name.to_lowercase().contains(&wanted));
        names.sort_by(|a, b| newest_first(a, b));
        let total = names.len() as u64;
        let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let taken = usize::try_from(page.size).unwrap_or(usize::MAX);
        let shown: Vec<String> = names.into_iter().skip(skipped).take(taken).collect();
        let items = futures_util::stream::iter(shown)
            .map(|name| self.tag(repository, name))
            .buffered(IN_PARALLEL)
            .collect()
            .await;
        Ok(Page::new(items, total, page))
    }

    async fn tag(&self, repository: &str, name: String) -> FoundTag {
        let full_name = format!("{}:{name}", self.familiar(repository));
        match self.describe(repository, &name).await {
            Ok((digest, platforms)) => FoundTag {
                name,
                full_name,
                digest: Some(digest),
                size: platforms.first().and_then(|platform| platform.size),
                platforms,
                error: None,
            },
            Err(failure) => FoundTag {
                name,
                full_name,
                digest: None,
                size: None,
                platforms: Vec::new(),
                error: Some(failure.info()),
            },
        }
    }

    async fn tag_names(&self, repository: &str) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        let mut next = Some(format!("/v2/{repository}/tags/list?n={AT_ONCE}"));
        for _ in 0..MOST_PAGES {
            let Some(path) = next else { break };
            let response = self
                .get(&path, "application/json", &pull_scope(repository))
                .await?;
            let (list, link): (TagList, _) = self.json(response).await?;
            let found = list.tags.unwrap_or_default();
            next = link.filter(|_| !found.is_empty());
            names.extend(found);
        }
        Ok(names)
    }
}

/// `latest`, then versions from high to low (1.10 before 1.9), then the rest.
fn newest_first(a: &str, b: &str) -> Ordering {
    let rank = |name: &str| {
        (
            name != "latest",
            !name
                .trim_start_matches('v')
                .starts_with(|c: char| c.is_ascii_digit()),
        )
    };
    rank(a).cmp(&rank(b)).then_with(|| natural(b, a))
}

/// Compares runs of digits as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.trim_start_matches('v'), b.trim_start_matches('v'));
    loop {
        let (Some(left), Some(right)) = (a.chars().next(), b.chars().next()) else {
            return a.len().cmp(&b.len());
        };
        let digits = left.is_ascii_digit() && right.is_ascii_digit();
        let (x, after_a) = run(a, digits);
        let (y, after_b) = run(b, digits);
        let (short_x, short_y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
        let order = if digits {
            short_x.len().cmp(&short_y.len()).then(short_x.cmp(short_y))
        } else {
            x.cmp(y)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (after_a, after_b);
    }
}

/// All digits at the start, or one character.
fn run(text: &str, digits: bool) -> (&str, &str) {
    let end = if digits {
        text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
    } else {
        text.chars().next().map_or(0, char::len_utf8)
    };
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::newest_first;

    #[test]
    fn versions_from_high_to_low() {
        let mut tags = vec![
            "1.9", "alpine", "1.10", "latest", "1.10.1", "v2.0", "1.010", "edge",
        ];
        tags.sort_by(|a, b| newest_first(a, b));
        assert_eq!(
            tags,
            [
                "latest", "v2.0", "1.10.1", "1.10", "1.010", "1.9", "edge", "alpine"
            ]
        );
    }
}
