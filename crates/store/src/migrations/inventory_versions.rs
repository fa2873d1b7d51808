use sea_orm::DbErr;

use super::{DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, statements};

/// What a server holds gets another number whenever it is written anew: what is kept of it in memory is told apart by that.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = "ALTER TABLE server_inventories ADD COLUMN version BIGINT NOT NULL DEFAULT 0";
        statements(manager, &[add]).await
    }
}
