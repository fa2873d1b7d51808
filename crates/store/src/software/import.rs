use sea_orm::FromQueryResult;

use super::read::{COLUMNS, SoftwareRow};
use super::references::{assign, take_turn};
use super::{Imported, NewSoftware, edit};
use crate::{Result, Store, sql};

#[derive(FromQueryResult)]
struct Known {
    id: i64,
}

impl Store {
    /// The own entries, as [`Store::import_software`] takes them.
    pub async fn export_software(&self) -> Result<Vec<NewSoftware>> {
        let rows: Vec<SoftwareRow> = sql::all(
            &self.db,
            &format!("SELECT {COLUMNS} FROM software WHERE builtin = FALSE ORDER BY id"),
            vec![],
        )
        .await?;
        rows.into_iter()
            .map(|row| {
                let software = row.into_software()?;
                Ok(NewSoftware {
                    name: software.name,
                    icon: software.icon,
                    category: software.category,
                    description: software.description,
                    description_zh: software.description_zh,
                    repository: software.repository,
                    default_tag: software.default_tag,
                    form: software.form,
                })
            })
            .collect()
    }

    /// Adds own entries; one of the same repository is replaced. All of them, or none.
    pub async fn import_software(&self, entries: Vec<NewSoftware>) -> Result<Imported> {
        let now = self.now_ms();
        self.write(async |tx| {
            take_turn(tx).await?;
            let mut imported = Imported::default();
            for entry in &entries {
                let known: Option<Known> = sql::one(
                    tx,
                    "SELECT id FROM software WHERE repository = $1 AND builtin = FALSE",
                    vec![entry.repository.clone().into()],
                )
                .await?;
                if let Some(known) = known {
                    edit::update(tx, known.id, entry, now).await?;
                    imported.updated += 1;
                } else {
                    edit::insert(tx, entry, false, now).await?;
                    imported.added += 1;
                }
                assign(tx, &entry.repository).await?;
            }
            Ok(imported)
        })
        .await
    }
}
