use sea_orm::DbErr;

use super::{DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, statements};

/// What programs on one database tell each other, for the few minutes in which one may not hear it, and which steps have ended without
/// having been told.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements(
            manager,
            &[
                "CREATE TABLE news (id {id}, told TEXT NOT NULL, at BIGINT NOT NULL)",
                "CREATE INDEX news_at ON news (at)",
                "ALTER TABLE operation_steps ADD COLUMN untold BOOLEAN NOT NULL DEFAULT FALSE",
            ],
        )
        .await
    }
}
