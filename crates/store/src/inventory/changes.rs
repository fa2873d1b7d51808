//! The numbers of changes. A transaction that changes references, or what a server holds, takes a number higher than
//! any before and writes it beside what it changes. What is kept in memory (`images/memory.rs`) knows up to which number
//! it is right, and reads what has a higher one.

use sea_orm::ConnectionTrait;

use crate::{Result, sql};

/// For so many numbers it is remembered which references went; who is further behind reads everything anew.
pub const REMEMBERED: i64 = 10_000;

/// The number of a change that this transaction makes. Whoever asks has their turn at the inventory, so that numbers
/// are seen in their order.
pub async fn next_change(tx: &impl ConnectionTrait) -> Result<i64> {
    let raise = "UPDATE inventory_changes SET number = number + 1 RETURNING number";
    sql::number(tx, raise, vec![]).await
}

/// The number of the latest change.
pub async fn latest_change(db: &impl ConnectionTrait) -> Result<i64> {
    sql::number(db, "SELECT number FROM inventory_changes", vec![]).await
}

/// Those of the references that nobody holds any more go, and it is remembered that they went.
pub async fn forget_unheld(tx: &impl ConnectionTrait, ids: &[i64], change: i64) -> Result<()> {
    for chunk in sql::chunks(ids) {
        let values = || chunk.iter().map(|id| (*id).into());
        let remember = format!(
            "INSERT INTO image_references_gone (id, changed) SELECT id, $1 FROM image_references \
             WHERE placements = 0 AND id IN ({})",
            sql::placeholders(1, chunk.len())
        );
        sql::run(
            tx,
            &remember,
            std::iter::once(change.into()).chain(values()).collect(),
        )
        .await?;
        let delete = format!(
            "DELETE FROM image_references WHERE placements = 0 AND id IN ({})",
            sql::placeholders(0, chunk.len())
        );
        sql::run(tx, &delete, values().collect()).await?;
    }
    if !ids.is_empty() {
        let trim = "DELETE FROM image_references_gone WHERE changed <= $1";
        sql::run(tx, trim, vec![(change - REMEMBERED).into()]).await?;
    }
    Ok(())
}
