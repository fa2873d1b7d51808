use sea_orm::ConnectionTrait;

use crate::{Result, inventory, sql};

/// The catalogue entry of exactly a reference's repository: an own one before a built-in one.
const OF_REPOSITORY: &str = "(SELECT s.id FROM software s WHERE s.repository = image_references.repository ORDER BY s.builtin LIMIT 1)";

/// Gives every reference of exactly this repository its catalogue entry: the one that was chosen for it, else the repository's.
pub async fn assign(tx: &impl ConnectionTrait, repository: &str) -> Result<()> {
    let change = inventory::next_change(tx).await?;
    sql::run(
        tx,
        &format!(
            "UPDATE image_references SET software_id = COALESCE(chosen_software_id, {OF_REPOSITORY}), changed = $2
             WHERE repository = $1"
        ),
        vec![repository.into(), change.into()],
    )
    .await?;
    Ok(())
}

/// Chooses the catalogue entry of one reference, whatever its repository is. One that does not exist any more is not chosen.
pub async fn choose(tx: &impl ConnectionTrait, reference_id: i64, software_id: i64) -> Result<()> {
    let there = sql::number(
        tx,
        "SELECT COUNT(*) FROM software WHERE id = $1",
        vec![software_id.into()],
    );
    if there.await? == 0 {
        return Ok(());
    }
    let change = inventory::next_change(tx).await?;
    sql::run(
        tx,
        "UPDATE image_references SET chosen_software_id = $2, software_id = $2, changed = $3
         WHERE id = $1 AND (chosen_software_id IS NULL OR chosen_software_id <> $2)",
        vec![reference_id.into(), software_id.into(), change.into()],
    )
    .await?;
    Ok(())
}

/// Removes a catalogue entry. Its references fall back to the entry of their repository, if there is another one.
pub async fn remove(tx: &impl ConnectionTrait, software_id: i64) -> Result<()> {
    let change = inventory::next_change(tx).await?;
    sql::run(
        tx,
        "UPDATE image_references SET changed = $2 WHERE software_id = $1",
        vec![software_id.into(), change.into()],
    )
    .await?;
    // With it goes that it was chosen.
    let delete = "DELETE FROM software WHERE id = $1";
    sql::run(tx, delete, vec![software_id.into()]).await?;
    sql::run(
        tx,
        &format!("UPDATE image_references SET software_id = {OF_REPOSITORY} WHERE changed = $1"),
        vec![change.into()],
    )
    .await?;
    Ok(())
}

/// Those who write references take turns; so does the catalogue.
pub async fn take_turn(tx: &impl ConnectionTrait) -> Result<()> {
    inventory::take_turn(tx).await
}
