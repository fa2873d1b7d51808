use axum::extract::State;
use imagefleet_model::{ErrorInfo, ImageRef, Page};
use imagefleet_operations::registry::{FoundTag, RegistryClient};
use serde::{Deserialize, Serialize};

use super::not_given;
use super::rights::{may_look, require_look};
use crate::extract::{Caller, Json, Paging, Path, Query};
use crate::{AppState, Problem};

/// Which tags.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// The repository: its path in the registry, or its full name with the registry's host.
    repository: Option<String>,
    /// Part of the tag.
    q: Option<String>,
}

/// A tag, before anything is pulled.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TagView {
    /// The tag.
    name: String,
    /// What to pull.
    full_name: String,
    /// The digest that it stands for now.
    digest: Option<String>,
    /// Compressed bytes of the only or first platform.
    size: Option<u64>,
    /// For which platforms it is there, `linux/amd64`.
    platforms: Vec<String>,
    /// What it holds for each platform.
    variants: Vec<VariantView>,
    /// Why this tag could not be looked at.
    error: Option<ErrorInfo>,
}

/// What a tag holds for one platform.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VariantView {
    /// `linux/amd64`, when told.
    platform: Option<String>,
    /// Digest of its manifest.
    digest: String,
    /// Compressed bytes.
    size: Option<u64>,
}

impl From<FoundTag> for TagView {
    fn from(found: FoundTag) -> Self {
        Self {
            name: found.name,
            full_name: found.full_name,
            digest: found.digest,
            size: found.size,
            platforms: found
                .platforms
                .iter()
                .filter_map(|it| it.platform.clone())
                .collect(),
            variants: found
                .platforms
                .into_iter()
                .map(|it| VariantView {
                    platform: it.platform,
                    digest: it.digest,
                    size: it.size,
                })
                .collect(),
            error: found.error,
        }
    }
}

/// The tags of a repository, newest version first, each with digest, platforms and size.
#[utoipa::path(
    get, path = "/registries/{id}/tags", tag = "registries", operation_id = "listRegistryTags",
    params(("id" = i64, Path), Filter, Paging),
    responses((status = 200, description = "Tags", body = Page<TagView>)),
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<Page<TagView>>, Problem> {
    require_look(&caller)?;
    let account = state.store.registry_account(id).await?;
    let repository = filter.repository.unwrap_or_default();
    let reference = of_registry(&account.registry.host, repository.trim()).ok_or_else(|| {
        Problem::field(
            "repository",
            "must be a repository of this registry, such as team/app",
        )
    })?;
    if !may_look(&caller.access, &reference.repository()) {
        return Err(Problem::not_found("repository"));
    }
    let client = RegistryClient::new(&account)?;
    let page = client
        .tags(reference.path(), &filter.q.unwrap_or_default(), paging.request()?)
        .await
        .map_err(not_given)?;
    Ok(Json(page.map(Into::into)))
}

/// A repository by its path in the registry, or by its full name there.
fn of_registry(host: &str, text: &str) -> Option<ImageRef> {
    let path = text
        .strip_prefix(host)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(text);
    let reference = ImageRef::parse(&format!("{host}/{path}")).ok()?;
    (reference.tag().is_none() && reference.digest().is_none() && reference.registry() == host)
        .then_some(reference)
}

#[cfg(test)]
mod tests {
    use super::of_registry;

    #[test]
    fn a_repository_by_path_or_full_name() {
        let path =
            |host: &str, text: &str| of_registry(host, text).map(|reference| reference.path().to_owned());
        assert_eq!(path("r.test:5000", "team/app").as_deref(), Some("team/app"));
        assert_eq!(
            path("r.test:5000", "r.test:5000/team/app").as_deref(),
            Some("team/app")
        );
        assert_eq!(path("docker.io", "nginx").as_deref(), Some("library/nginx"));
        for bad in ["", "team/app:1", "../x", "a b", "team/app@sha256:00", "Team"] {
            assert_eq!(path("r.test:5000", bad), None, "{bad}");
        }
    }
}
