use imagefleet_model::{Clock as _, PageRequest, SystemClock};
use imagefleet_operations::registry::RegistryClient;
use imagefleet_store::Store;

use super::clock::skew;
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
            findings.extend(one(store, registry.id, &registry.name).await);
        }
        page.page += 1;
    }
}

async fn one(store: &Store, id: i64, name: &str) -> Vec<Finding> {
    let what = format!("registry {name}");
    let account = match store.registry_account(id).await {
        Ok(account) => account,
        Err(error) => {
            return vec![Finding::problem(
                what,
                error.to_string(),
                "Its password cannot be opened: see the secret key above.",
            )];
        }
    };
    let began = SystemClock.now();
    let asked = match RegistryClient::new(&account) {
        Ok(client) => client.check().await,
        Err(failure) => Err(failure),
    };
    let ended = SystemClock.now();
    match asked {
        Ok(clock) => {
            let outcome = if account.registry.has_password {
                "takes the account"
            } else {
                "answers"
            };
            let answers = Finding::ok(what.clone(), format!("{} {outcome}", account.registry.host));
            let skew = clock.and_then(|there| skew(&what, there, began, ended));
            [answers].into_iter().chain(skew).collect()
        }
        Err(failure) => {
            let told = failure.info();
            let advice = told
                .hint
                .unwrap_or_else(|| "Check its address and account.".to_owned());
            vec![Finding::problem(what, told.message, advice)]
        }
    }
}
