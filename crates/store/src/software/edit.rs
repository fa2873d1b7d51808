use imagefleet_model::{ErrorCode, Failure, Software};
use sea_orm::{ConnectionTrait, Value};

use super::references::{assign, remove, take_turn};
use super::{NewSoftware, read};
use crate::{Result, Store, StoreError, sql};

impl Store {
    /// Adds an own entry. References of exactly its repository belong to it from now on.
    pub async fn create_software(&self, new: NewSoftware) -> Result<Software> {
        let now = self.now_ms();
        let id = self
            .write(async |tx| {
                take_turn(tx).await?;
                let id = insert(tx, &new, false, now)
                    .await
                    .map_err(|error| repository_taken(error, &new))?;
                assign(tx, &new.repository).await?;
                Ok(id)
            })
            .await?;
        self.software(id).await
    }

    /// Replaces an own entry.
    pub async fn update_software(&self, id: i64, new: NewSoftware) -> Result<Software> {
        let now = self.now_ms();
        self.write(async |tx| {
            take_turn(tx).await?;
            let old = own(tx, id).await?;
            update(tx, id, &new, now)
                .await
                .map_err(|error| repository_taken(error, &new))?;
            if old.repository != new.repository {
                assign(tx, &old.repository).await?;
                assign(tx, &new.repository).await?;
            }
            Ok(())
        })
        .await?;
        self.software(id).await
    }

    /// Removes an own entry. Its references fall back to the entry of their repository, if there is another one.
    pub async fn delete_software(&self, id: i64) -> Result<()> {
        self.write(async |tx| {
            take_turn(tx).await?;
            own(tx, id).await?;
            remove(tx, id).await
        })
        .await
    }
}

async fn own(tx: &impl ConnectionTrait, id: i64) -> Result<Software> {
    let old = read::software(tx, id).await?;
    if old.builtin {
        return Err(StoreError::Refused(Failure::new(
            ErrorCode::Conflict,
            "Entries that come with imagefleet stay as they are. Copy it: an own entry for the same repository goes first.",
        )));
    }
    Ok(old)
}

fn repository_taken(error: StoreError, new: &NewSoftware) -> StoreError {
    match error {
        StoreError::Taken(_) => StoreError::Refused(Failure::new(
            ErrorCode::NameTaken,
            format!("There is an own entry for {} already.", new.repository),
        )),
        other => other,
    }
}

pub async fn insert(tx: &impl ConnectionTrait, new: &NewSoftware, builtin: bool, now: i64) -> Result<i64> {
    let mut values = values(new)?;
    values.extend([builtin.into(), now.into()]);
    sql::number(
        tx,
        "INSERT INTO software (name, icon, category, description, description_zh, repository, default_tag, form,
            builtin, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING id",
        values,
    )
    .await
}

pub async fn update(tx: &impl ConnectionTrait, id: i64, new: &NewSoftware, now: i64) -> Result<()> {
    let mut values = values(new)?;
    values.extend([now.into(), id.into()]);
    sql::run(
        tx,
        "UPDATE software SET name = $1, icon = $2, category = $3, description = $4, description_zh = $5,
            repository = $6, default_tag = $7, form = $8, updated_at = $9 WHERE id = $10",
        values,
    )
    .await?;
    Ok(())
}

fn values(new: &NewSoftware) -> Result<Vec<Value>> {
    Ok(vec![
        new.name.clone().into(),
        new.icon.clone().into(),
        new.category.clone().into(),
        new.description.clone().into(),
        new.description_zh.clone().into(),
        new.repository.clone().into(),
        new.default_tag.clone().into(),
        sql::json(&new.form)?.into(),
    ])
}
