//! Which registry account goes along with a pull or push.

use imagefleet_model::{ErrorCode, Failure, ImageRef, RegistryAuth};
use imagefleet_store::Store;

/// Where a name without a registry points.
const DEFAULT_REGISTRY: &str = "docker.io";

/// The reference in the registry that was chosen for it: a name without a registry, `team/app:1`, is that registry's.
/// One that names another registry is refused: an account must never be shown to a registry that is not its own.
pub async fn in_registry(
    store: &Store,
    reference: ImageRef,
    registry_id: Option<i64>,
) -> Result<ImageRef, Failure> {
    let Some(id) = registry_id else {
        return Ok(reference);
    };
    let host = store.registry(id).await?.host;
    if reference.registry() != DEFAULT_REGISTRY || host == DEFAULT_REGISTRY {
        check_host(&reference, &host)?;
        return Ok(reference);
    }
    ImageRef::parse(&format!("{host}/{reference}"))
        .map_err(|error| Failure::new(ErrorCode::InvalidReference, error.to_string()))
}

/// The account to pull or push a reference with: the chosen registry's, else that of the longest matching namespace.
pub async fn for_reference(
    store: &Store,
    reference: &ImageRef,
    registry_id: Option<i64>,
) -> Result<Option<RegistryAuth>, Failure> {
    let account = match registry_id {
        Some(id) => {
            let account = store.registry_account(id).await?;
            check_host(reference, &account.registry.host)?;
            Some(account)
        }
        None => store.registry_account_for(reference).await?,
    };
    Ok(account.and_then(|account| account.auth()))
}

fn check_host(reference: &ImageRef, host: &str) -> Result<(), Failure> {
    if reference.registry() == host {
        return Ok(());
    }
    Err(Failure::new(
        ErrorCode::InvalidInput,
        format!(
            "registryId: that account is for {host}, but {reference} is in {}",
            reference.registry()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use imagefleet_model::{ErrorCode, ImageRef};
    use imagefleet_store::{NewRegistry, testing};

    use super::{for_reference, in_registry};

    #[tokio::test]
    async fn an_account_is_shown_to_its_own_registry_alone() {
        let at = testing::sqlite().await;
        let new = NewRegistry {
            name: "r".to_owned(),
            url: "https://r.test:5000".to_owned(),
            host: "r.test:5000".to_owned(),
            namespace: String::new(),
            username: Some("ann".to_owned()),
            password: Some("secret".to_owned().into()),
            ca: None,
            plain_http: false,
        };
        let id = Some(at.store.create_registry(new).await.expect("added").id);
        let placed = async |text: &str| {
            let reference = ImageRef::parse(text).expect("valid");
            in_registry(&at.store, reference, id)
                .await
                .map(|reference| reference.to_string())
        };
        assert_eq!(
            placed("team/app:1").await.as_deref(),
            Ok("r.test:5000/team/app:1")
        );
        assert_eq!(placed("nginx").await.as_deref(), Ok("r.test:5000/nginx"));
        assert_eq!(placed("r.test:5000/a:1").await.as_deref(), Ok("r.test:5000/a:1"));
        assert_eq!(
            placed("evil.test/a:1").await.map_err(|failure| failure.code),
            Err(ErrorCode::InvalidInput)
        );
        let auth = async |text: &str, id: Option<i64>| {
            for_reference(&at.store, &ImageRef::parse(text).expect("valid"), id).await
        };
        let account = auth("r.test:5000/a:1", id).await.expect("asked").expect("there");
        assert_eq!(
            (account.server_address.as_str(), account.username.as_str()),
            ("r.test:5000", "ann")
        );
        assert_eq!(auth("r.test:5000/a:1", None).await.expect("asked"), Some(account));
        assert_eq!(auth("evil.test/a:1", None).await.expect("asked"), None);
        assert!(auth("evil.test/a:1", id).await.is_err());
    }
}
