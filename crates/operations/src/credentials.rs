use imagefleet_model::{Failure, ImageRef, RegistryAuth};
use imagefleet_store::Store;

/// The account to pull or push a reference with: the chosen registry's, else that of the longest matching namespace.
pub async fn for_reference(
    store: &Store,
    reference: &ImageRef,
    registry_id: Option<i64>,
) -> Result<Option<RegistryAuth>, Failure> {
    let account = match registry_id {
        Some(id) => Some(store.registry_account(id).await?),
        None => store.registry_account_for(reference).await?,
    };
    Ok(account.and_then(|account| account.auth()))
}
