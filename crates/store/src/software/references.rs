use sea_orm::ConnectionTrait;

use crate::{Result, inventory, sql};

/// Gives every reference of exactly this repository its catalogue entry: an own one before a built-in one.
pub async fn assign(tx: &impl ConnectionTrait, repository: &str) -> Result<()> {
    let change = inventory::next_change(tx).await?;
    sql::run(
        tx,
        "UPDATE image_references SET software_id =
            (SELECT s.id FROM software s WHERE s.repository = $1 ORDER BY s.builtin LIMIT 1),
            changed = $2
         WHERE repository = $1",
        vec![repository.into(), change.into()],
    )
    .await?;
    Ok(())
}

/// Those who write references take turns; so does the catalogue.
pub async fn take_turn(tx: &impl ConnectionTrait) -> Result<()> {
    inventory::take_turn(tx).await
}
