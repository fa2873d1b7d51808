//! References in the order of their names, cut into blocks of neighbours: `block` never falls from one name to the
//! next. What comes before a deep page is then a sum over blocks, not a walk over every image.

use sea_orm::ConnectionTrait;

use crate::{Result, sql};

/// References of a block after all were cut anew.
const CUT: i64 = 512;
/// References of a block at which all are cut anew.
const FULL: i64 = 4 * CUT;

/// A new reference goes into the block of the name before it; `v` is the new one.
pub const BLOCK_OF_NEW: &str = "COALESCE((SELECT p.block FROM image_references p WHERE p.search <= v.search \
    ORDER BY p.search DESC, p.id DESC LIMIT 1), 0)";

/// Cuts the blocks anew when one of them has become too long.
pub async fn cut(tx: &impl ConnectionTrait) -> Result<()> {
    let longest = sql::number(
        tx,
        "SELECT COALESCE(MAX(n), 0) FROM (SELECT COUNT(*) AS n FROM image_references GROUP BY block) AS c",
        vec![],
    )
    .await?;
    if longest > FULL {
        let cut = format!(
            "UPDATE image_references SET block = v.block FROM \
             (SELECT id, (ROW_NUMBER() OVER (ORDER BY search, id) - 1) / {CUT} AS block FROM image_references) AS v \
             WHERE v.id = image_references.id AND v.block <> image_references.block"
        );
        sql::run(tx, &cut, vec![]).await?;
    }
    Ok(())
}
