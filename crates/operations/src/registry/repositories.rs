use imagefleet_model::{ErrorCode, Failure, PageRequest};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use super::RegistryClient;

/// Names of one page of `_catalog`.
const AT_ONCE: u32 = 1000;
/// After so many pages the answer says that there is more.
const MOST_PAGES: usize = 50;

/// A repository of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundRepository {
    /// Its path in the registry, `team/app`.
    pub name: String,
    /// The familiar form that images are pulled by, `registry.example.com:5000/team/app`.
    pub full_name: String,
    /// What the registry says of it, when it says anything.
    pub description: Option<String>,
}

/// One page of a registry's repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repositories {
    /// The rows of this page.
    pub items: Vec<FoundRepository>,
    /// How many match, as far as the registry was read.
    pub total: u64,
    /// Whether the registry was read to its end.
    pub complete: bool,
}

#[derive(Deserialize)]
struct Catalog {
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct HarborSearch {
    #[serde(default)]
    repository: Vec<HarborRepository>,
}

#[derive(Deserialize)]
struct HarborRepository {
    repository_name: String,
}

impl RegistryClient {
    /// A page of the repositories whose path contains `search`, below the account's namespace, of those that `allowed`
    /// (asked by familiar name) lets through.
    pub async fn repositories(
        &self,
        search: &str,
        page: PageRequest,
        allowed: impl Fn(&str) -> bool,
    ) -> Result<Repositories, Failure> {
        if let Some(hub) = &self.hub {
            let mut found = self.hub_repositories(hub, search, page).await?;
            found.items.retain(|repository| allowed(&repository.full_name));
            return Ok(found);
        }
        let (names, complete) = match self.catalog().await {
            Ok(found) => found,
            Err(failure) if catalog_is_closed(&failure) => {
                (self.harbor_search(search).await.map_err(|_| failure)?, true)
            }
            Err(failure) => return Err(failure),
        };
        let wanted = search.trim().to_lowercase();
        let below = format!("{}/", self.namespace);
        let mut matching: Vec<FoundRepository> = names
            .into_iter()
            .filter(|name| self.namespace.is_empty() || *name == self.namespace || name.starts_with(&below))
            .filter(|name| name.to_lowercase().contains(&wanted))
            .map(|name| FoundRepository {
                full_name: self.familiar(&name),
                name,
                description: None,
            })
            .filter(|repository| allowed(&repository.full_name))
            .collect();
        matching.sort_by(|a, b| a.name.cmp(&b.name));
        let total = matching.len() as u64;
        let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let taken = usize::try_from(page.size).unwrap_or(usize::MAX);
        Ok(Repositories {
            items: matching.into_iter().skip(skipped).take(taken).collect(),
            total,
            complete,
        })
    }

    /// Every name of `_catalog` (Docker Registry API, "Listing Repositories"), page by page.
    async fn catalog(&self) -> Result<(Vec<String>, bool), Failure> {
        let mut names = Vec::new();
        let mut next = Some(format!("/v2/_catalog?n={AT_ONCE}"));
        for _ in 0..MOST_PAGES {
            let Some(path) = next else {
                return Ok((names, true));
            };
            let response = self.get(&path, "application/json", "registry:catalog:*").await?;
            if matches!(
                response.status(),
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
            ) {
                return Err(Failure::new(
                    ErrorCode::Unsupported,
                    format!(
                        "{}: this registry does not list its repositories. Type the name.",
                        self.place()
                    ),
                ));
            }
            let (catalog, link): (Catalog, _) = self.json(response).await?;
            let found = catalog.repositories.unwrap_or_default();
            next = link.filter(|_| !found.is_empty());
            names.extend(found);
        }
        let complete = next.is_none();
        Ok((names, complete))
    }

    /// Harbor lists its catalogue to its administrators alone, but lets everybody search what they may see.
    async fn harbor_search(&self, search: &str) -> Result<Vec<String>, Failure> {
        let mut url = self
            .base
            .join("/api/v2.0/search")
            .map_err(|_| self.no_registry("no Harbor"))?;
        url.query_pairs_mut().append_pair("q", search.trim());
        let mut request = self.http.get(url);
        if let Some(basic) = self.basic() {
            use secrecy::ExposeSecret as _;
            request = request.header(reqwest::header::AUTHORIZATION, basic.expose_secret());
        }
        let response = request.send().await.map_err(|error| self.no_answer(error))?;
        let (found, _): (HarborSearch, _) = self.json(response).await?;
        Ok(found
            .repository
            .into_iter()
            .map(|repository| repository.repository_name)
            .collect())
    }
}

fn catalog_is_closed(failure: &Failure) -> bool {
    matches!(
        failure.code,
        ErrorCode::BadCredentials | ErrorCode::RegistryDenied | ErrorCode::Unsupported
    )
}
