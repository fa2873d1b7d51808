use sea_orm::{ConnectionTrait, DatabaseBackend};

use crate::{Result, sql};

/// `PostgreSQL` has many writers. Those that decide about steps, operations and who watches what take turns: two that end the last two
/// steps of an operation at once would each see the other's still running, and nobody would end the operation; a step
/// that joins another's work in the moment in which that ends would wait for ever. `SQLite` has one writer anyway.
/// To be called before anything is read. The order in which programs hear [what is told](crate::News) is that of the turns, too.
pub async fn take_turn(tx: &impl ConnectionTrait) -> Result<()> {
    if tx.get_database_backend() == DatabaseBackend::Postgres {
        sql::run(tx, "SELECT pg_advisory_xact_lock(7145829132)", vec![]).await?;
    }
    Ok(())
}
