use imagefleet_model::PageRequest;
use imagefleet_operations::registry::RegistryClient;
use imagefleet_store::Store;

use super::report::Finding;

/// Asks every registry whether it takes its account: the name, the way, TLS, the login.
pub async fn look(store: &Store) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut page = PageRequest::default();
    loop {
        let found = match store.registries(None, page).await {
            Ok(found) => found,
            Err(error) => {
                findings.push(Finding::problem(
                    "registries",
                    error.to_string(),
                    "See the database above.",
                ));
                return findings;
            }
        };
        if found.items.is_empty() {
            return findings;
        }
        for registry in &found.items {
            findings.push(one(store, registry.id, &registry.name).await);
        }
        page.page += 1;
    }
}

async fn one(store: &Store, id: i64, name: &str) -> Finding {
    let what = format!("registry {name}");
    let account = match store.registry_account(id).await {
        Ok(account) => account,
        Err(error) => {
            return Finding::problem(
                what,
                error.to_string(),
                "Its password cannot be opened: see the secret key above.",
            );
        }
    };
    let asked = match RegistryClient::new(&account) {
        Ok(client) => client.check().await,
        Err(failure) => Err(failure),
    };
    match asked {
        Ok(()) if account.registry.has_password => {
            Finding::ok(what, format!("{} takes the account", account.registry.host))
        }
        Ok(()) => Finding::ok(what, format!("{} answers", account.registry.host)),
        Err(failure) => {
            let told = failure.info();
            let advice = told
                .hint
                .unwrap_or_else(|| "Check its address and account.".to_owned());
            Finding::problem(what, told.message, advice)
        }
    }
}
