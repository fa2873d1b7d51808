use imagefleet_model::{Failure, PageRequest};
use serde::Deserialize;
use url::Url;

use super::{FoundRepository, RegistryClient, Repositories};

#[derive(Deserialize)]
struct Found {
    count: u64,
    #[serde(default)]
    results: Vec<Hit>,
}

/// A hit of the search (`repo_name`), or a row of a namespace (`namespace` and `name`).
#[derive(Deserialize)]
struct Hit {
    repo_name: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    short_description: Option<String>,
    description: Option<String>,
}

impl Hit {
    fn path(&self) -> Option<String> {
        let path = match (&self.repo_name, &self.namespace, &self.name) {
            (Some(name), ..) => name.clone(),
            (None, Some(namespace), Some(name)) => format!("{namespace}/{name}"),
            _ => return None,
        };
        // Official images come without their namespace.
        Some(if path.contains('/') {
            path
        } else {
            format!("library/{path}")
        })
    }
}

impl RegistryClient {
    /// Docker Hub has no catalogue; its own API searches all of it, or lists a namespace.
    pub(super) async fn hub_repositories(
        &self,
        hub: &Url,
        search: &str,
        page: PageRequest,
    ) -> Result<Repositories, Failure> {
        let search = search.trim();
        let namespace = match (self.namespace.as_str(), search) {
            ("", "") => Some("library"),
            ("", _) => None,
            (namespace, _) => Some(namespace),
        };
        let (path, parameter) = match namespace {
            Some(namespace) => (format!("/v2/namespaces/{namespace}/repositories"), "name"),
            None => ("/v2/search/repositories/".to_owned(), "query"),
        };
        let mut url = hub
            .join(&path)
            .map_err(|_| self.no_registry("its namespace is no path"))?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("page", &page.page.to_string());
            query.append_pair("page_size", &page.size.min(100).to_string());
            if !search.is_empty() {
                query.append_pair(parameter, search);
            }
        }
        let response = self
            .http
            .get(url)
            .send()
            .await
            .map_err(|error| self.no_answer(error))?;
        let (found, _): (Found, _) = self.json(response).await?;
        let items = found
            .results
            .into_iter()
            .filter_map(|hit| {
                let name = hit.path()?;
                Some(FoundRepository {
                    full_name: self.familiar(&name),
                    name,
                    description: hit
                        .short_description
                        .or(hit.description)
                        .filter(|text| !text.is_empty()),
                })
            })
            .collect();
        Ok(Repositories {
            items,
            total: found.count,
            complete: true,
        })
    }
}
