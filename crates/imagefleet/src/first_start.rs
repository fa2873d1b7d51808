use imagefleet_model::{Grant, GrantServers};
use imagefleet_store::{NewUser, Store, StoreError};

use crate::password;

/// With it an operator sets the first password.
const PASSWORD_VARIABLE: &str = "IMAGEFLEET_ADMIN_PASSWORD";

/// Makes the user `admin` when there is no user yet. A password made here is printed once, to standard output and
/// not to the log.
pub async fn create_admin(store: &Store) -> anyhow::Result<()> {
    if store.user_count().await? > 0 {
        return Ok(());
    }
    let given = std::env::var(PASSWORD_VARIABLE)
        .ok()
        .filter(|password| !password.is_empty());
    let generated = given.is_none();
    let password = given.unwrap_or_else(password::generate);
    let admin = NewUser {
        username: "admin".to_owned(),
        password_hash: password::hash(&password).await?,
        must_change_password: generated,
        grants: vec![Grant {
            role: "admin".to_owned(),
            servers: GrantServers {
                all: true,
                ..GrantServers::default()
            },
            repositories: vec!["*".to_owned()],
        }],
    };
    match store.create_user(admin).await {
        Ok(_) if generated => println!("First start: log in as admin with the password {password}"),
        Ok(_) => println!("First start: log in as admin with the password from {PASSWORD_VARIABLE}"),
        // Another program on the same database was quicker.
        Err(StoreError::Taken(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
