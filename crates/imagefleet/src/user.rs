use std::io::Read as _;
use std::sync::Arc;

use anyhow::Context as _;
use imagefleet_model::SystemClock;
use imagefleet_store::{SecretKey, Store, StoreOptions, UserChange};

use crate::cli::ResetPasswordArgs;
use crate::password;
use crate::settings::Data;

/// Gives a user a new password and ends the user's sessions.
pub async fn reset_password(args: ResetPasswordArgs) -> anyhow::Result<()> {
    let data = Data::load(args.data)?;
    let key = SecretKey::load_or_create(&data.secret_key_file)?;
    let options = StoreOptions {
        url: data.database_url,
        key,
        clock: Arc::new(SystemClock),
    };
    let store = Store::open(options).await?;
    let user = store
        .login_row(&args.username)
        .await?
        .with_context(|| format!("there is no user {}", args.username))?;
    let password = if args.stdin {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("standard input")?;
        let password = text.trim_end_matches(['\r', '\n']).to_owned();
        anyhow::ensure!(
            password.chars().count() >= 8,
            "the password must have 8 characters or more"
        );
        password
    } else {
        password::generate()
    };
    let hash = password::hash(&password).await?;
    let change = UserChange {
        password: Some((hash, !args.stdin)),
        ..UserChange::default()
    };
    store.update_user(user.id, change).await?;
    if args.stdin {
        println!("{} has the new password", user.username);
    } else {
        println!("{} has the new password {password}", user.username);
    }
    Ok(())
}
