use sea_orm::FromQueryResult;
use sha2::{Digest as _, Sha256};

use super::references::{assign, remove, take_turn};
use super::{NewSoftware, edit};
use crate::{Result, Store, sql};

/// What comes with imagefleet. Facts are those of the images' own documentation.
const CATALOGUE: &str = include_str!("catalogue.json");

/// Under which name the settings remember what was written last.
const SETTING: &str = "builtin_catalogue";

#[derive(FromQueryResult)]
struct Written {
    value: String,
}

#[derive(FromQueryResult)]
struct Known {
    id: i64,
    repository: String,
}

/// The built-in entries.
pub fn catalogue() -> Result<Vec<NewSoftware>> {
    sql::from_json(CATALOGUE)
}

impl Store {
    /// Brings the built-in entries up to date with this version of the program. Entries keep their ids; own ones are
    /// left alone. Nothing is written when nothing changed.
    pub async fn seed_software(&self) -> Result<()> {
        let version = hex::encode(Sha256::digest(CATALOGUE.as_bytes()));
        let written: Option<Written> = sql::one(
            &self.db,
            "SELECT value FROM settings WHERE name = $1",
            vec![SETTING.into()],
        )
        .await?;
        if written.is_some_and(|written| written.value == version) {
            return Ok(());
        }
        let entries = catalogue()?;
        let now = self.now_ms();
        self.write(async |tx| {
            take_turn(tx).await?;
            let known: Vec<Known> = sql::all(
                tx,
                "SELECT id, repository FROM software WHERE builtin = TRUE",
                vec![],
            )
            .await?;
            for old in known
                .iter()
                .filter(|old| entries.iter().all(|entry| entry.repository != old.repository))
            {
                remove(tx, old.id).await?;
            }
            for entry in &entries {
                if let Some(known) = known.iter().find(|known| known.repository == entry.repository) {
                    edit::update(tx, known.id, entry, now).await?;
                } else {
                    edit::insert(tx, entry, true, now).await?;
                    assign(tx, &entry.repository).await?;
                }
            }
            sql::run(
                tx,
                "INSERT INTO settings (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                vec![SETTING.into(), version.into()],
            )
            .await?;
            Ok(())
        })
        .await
    }
}
