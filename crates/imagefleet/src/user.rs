use std::io::Read as _;

use anyhow::Context as _;
use imagefleet_store::UserChange;

use crate::cli::ResetPasswordArgs;
use crate::settings::Data;
use crate::{key, password};

/// Gives a user a new password and ends the user's sessions.
pub async fn reset_password(args: ResetPasswordArgs) -> anyhow::Result<()> {
    let data = Data::load(args.data)?;
    let store = key::open_store(&data).await?;
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
