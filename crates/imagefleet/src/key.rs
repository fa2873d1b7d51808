//! The installation's key: where it comes from, and how it is changed.
//!
//! A change of the key writes the new one beside the old (`secret.key.new`), seals everything with it in one transaction,
//! and then puts it in the old one's place. Whenever that is interrupted, one of the two files holds the key that the
//! database names, and the next start finds it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use imagefleet_model::SystemClock;
use imagefleet_store::{Rotated, SecretKey, Store, StoreError, StoreOptions};

use crate::folder;
use crate::settings::Data;

/// The key itself, for those who keep it in no file.
const KEY_VARIABLE: &str = "IMAGEFLEET_SECRET_KEY";
/// The key to change to, when the present one comes from the environment.
const NEW_KEY_VARIABLE: &str = "IMAGEFLEET_NEW_SECRET_KEY";

/// The key that the environment gives instead of a file.
pub fn given() -> anyhow::Result<Option<SecretKey>> {
    from_environment(KEY_VARIABLE)
}

/// Opens the database with its key. At the first start the key is made.
pub async fn open_store(data: &Data) -> anyhow::Result<Store> {
    match given()? {
        Some(key) => Ok(Store::open(options(data, key)).await?),
        None => with_file(data, async |options| Store::open(options).await).await,
    }
}

/// Changes the key. No program may run on the database.
pub async fn rotate(data: &Data) -> anyhow::Result<()> {
    match given()? {
        Some(key) => rotate_given(data, key).await,
        None => rotate_file(data).await,
    }
}

async fn rotate_given(data: &Data, key: SecretKey) -> anyhow::Result<()> {
    let new = from_environment(NEW_KEY_VARIABLE)?.with_context(|| {
        format!(
            "the present key comes from {KEY_VARIABLE}: give the new one in {NEW_KEY_VARIABLE} (`openssl rand -hex 32` \
             makes one)"
        )
    })?;
    match Store::open_alone(options(data, key)).await {
        Ok(store) => told(rotated(store, &new).await?),
        Err(StoreError::WrongKey) => {
            // Interrupted after it was done?
            let store = Store::open_alone(options(data, new)).await?;
            store.close().await;
            println!("The key was changed already.");
        }
        Err(error) => return Err(error.into()),
    }
    println!("Start imagefleet with the new key in {KEY_VARIABLE} from now on.");
    Ok(())
}

async fn rotate_file(data: &Data) -> anyhow::Result<()> {
    let file = &data.secret_key_file;
    let before = SecretKey::read(file)?.map(|key| key.id());
    let store = with_file(data, async |options| Store::open_alone(options).await).await?;
    let old = SecretKey::read(file)?.with_context(|| format!("{} is gone", file.display()))?;
    if before.is_some_and(|before| before != old.id()) {
        store.close().await;
        println!(
            "The change of the key that was interrupted is complete: the key is in {}.",
            file.display()
        );
        return Ok(());
    }
    let next = next_of(file);
    // Left by an attempt that changed nothing: the database has just been opened with the old key.
    remove_if_there(&next)?;
    let new = SecretKey::generate();
    new.write(&next)?;
    sync_folder(file)?;
    told(rotated(store, &new).await?);
    take_place(file, &next)?;
    println!(
        "The new key is in {}, the old one in {}: backups from before need it. Give the new one to every program on this \
         database, then start them.",
        file.display(),
        old_of(file, &old.id()).display()
    );
    Ok(())
}

async fn rotated(store: Store, new: &SecretKey) -> anyhow::Result<Rotated> {
    let rotated = store.rotate_key(new).await;
    store.close().await;
    Ok(rotated?)
}

fn told(rotated: Rotated) {
    println!(
        "Sealed anew: {} secrets of servers, {} of registries, {} of steps.",
        rotated.servers, rotated.registries, rotated.steps
    );
}

/// Opens the database with the key of the file, or with the one beside it when a change was interrupted.
async fn with_file(
    data: &Data,
    open: impl AsyncFn(StoreOptions) -> Result<Store, StoreError>,
) -> anyhow::Result<Store> {
    let file = &data.secret_key_file;
    let next = next_of(file);
    let (key, made) = match SecretKey::read(file)? {
        Some(key) => (key, false),
        None => make(file)?,
    };
    match open(options(data, key)).await {
        Err(StoreError::WrongKey) => {}
        other => return Ok(other?),
    }
    if let Some(key) = SecretKey::read(&next)? {
        let store = open(options(data, key)).await?;
        if made {
            remove_if_there(file)?;
        }
        take_place(file, &next)?;
        return Ok(store);
    }
    if made {
        remove_if_there(file)?;
        anyhow::bail!(
            "{} is not there, and the database was written with a key: put back the key file that belongs to it \
             (without it the secrets inside cannot be read by anybody)",
            file.display()
        );
    }
    Err(StoreError::WrongKey.into())
}

/// A new key in its file; whether it was this program that made it, and not another one at the same moment.
fn make(file: &Path) -> anyhow::Result<(SecretKey, bool)> {
    let key = SecretKey::generate();
    match key.write(file) {
        Ok(()) => Ok((key, true)),
        Err(error) => match SecretKey::read(file) {
            Ok(Some(key)) => Ok((key, false)),
            _ => Err(error.into()),
        },
    }
}

/// The new key becomes the key; the old one is kept under its own name.
fn take_place(file: &Path, next: &Path) -> anyhow::Result<()> {
    if let Some(old) = SecretKey::read(file)? {
        let kept = old_of(file, &old.id());
        remove_if_there(&kept)?;
        std::fs::hard_link(file, &kept).with_context(|| kept.display().to_string())?;
    }
    std::fs::rename(next, file).with_context(|| next.display().to_string())?;
    sync_folder(file)
}

fn next_of(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}.new", file.display()))
}

fn old_of(file: &Path, id: &str) -> PathBuf {
    PathBuf::from(format!("{}.old-{id}", file.display()))
}

fn remove_if_there(file: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| file.display().to_string())
        }
        _ => Ok(()),
    }
}

fn sync_folder(file: &Path) -> anyhow::Result<()> {
    let folder = folder::of(file);
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| folder.display().to_string())
}

fn from_environment(variable: &str) -> anyhow::Result<Option<SecretKey>> {
    match std::env::var(variable) {
        Ok(text) if !text.is_empty() => SecretKey::parse(&text)
            .map(Some)
            .with_context(|| format!("{variable} holds no 64 hexadecimal digits")),
        _ => Ok(None),
    }
}

fn options(data: &Data, key: SecretKey) -> StoreOptions {
    StoreOptions {
        url: data.database_url.clone(),
        key,
        clock: Arc::new(SystemClock),
    }
}

#[cfg(test)]
mod tests {
    use imagefleet_store::SecretKey;

    use super::{next_of, open_store, rotate};
    use crate::settings::Data;

    fn data(folder: &tempfile::TempDir) -> Data {
        Data {
            directory: folder.path().to_owned(),
            database_url: format!("sqlite://{}", folder.path().join("a.db").display()),
            secret_key_file: folder.path().join("secret.key"),
        }
    }

    fn id(data: &Data) -> Option<String> {
        SecretKey::read(&data.secret_key_file)
            .expect("read")
            .map(|key| key.id())
    }

    async fn opens(data: &Data) -> bool {
        match open_store(data).await {
            Ok(store) => {
                store.close().await;
                true
            }
            Err(_) => false,
        }
    }

    #[tokio::test]
    async fn a_change_of_the_key_survives_an_end_at_any_moment() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = data(&folder);
        assert!(opens(&data).await);
        let first = id(&data);
        rotate(&data).await.expect("rotated");
        let second = id(&data);
        assert!(first != second && opens(&data).await);

        // Ended before anything was stored: the old key is still the one.
        SecretKey::generate()
            .write(&next_of(&data.secret_key_file))
            .expect("written");
        assert!(opens(&data).await && id(&data) == second);
        // Ended after the transaction: the new key is found beside the old one, which is kept.
        rotate(&data).await.expect("over what was left");
        let third = id(&data);
        let file = &data.secret_key_file;
        std::fs::rename(file, next_of(file)).expect("as it was in between");
        let old = std::fs::read_dir(folder.path())
            .expect("a folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| {
                path.to_string_lossy()
                    .ends_with(second.as_deref().unwrap_or("none"))
            })
            .expect("the old key is kept");
        std::fs::copy(old, file).expect("as it was in between");
        assert!(opens(&data).await && id(&data) == third);
        assert!(!next_of(file).exists());
    }

    #[tokio::test]
    async fn a_database_without_its_key_is_refused_and_gets_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = data(&folder);
        assert!(opens(&data).await);
        let away = folder.path().join("away");
        std::fs::rename(&data.secret_key_file, &away).expect("moved");
        let error = open_store(&data).await.expect_err("refused").to_string();
        assert!(
            error.contains("secret.key") && error.contains("put back"),
            "{error}"
        );
        assert!(!data.secret_key_file.exists(), "no key is made up for it");
        SecretKey::generate()
            .write(&data.secret_key_file)
            .expect("another one");
        assert!(open_store(&data).await.is_err());
        std::fs::rename(&away, &data.secret_key_file).expect("back");
        assert!(opens(&data).await);
    }
}
