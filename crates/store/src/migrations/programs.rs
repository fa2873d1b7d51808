use sea_orm::DbErr;

use super::{DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, statements};

/// Which programs live, so that they can share the watching of servers among them.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements(
            manager,
            &["CREATE TABLE programs (worker TEXT PRIMARY KEY, until BIGINT NOT NULL)"],
        )
        .await
    }
}
