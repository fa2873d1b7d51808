use sea_orm::DbErr;

use super::{DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, statements};

/// What programs on one database tell each other, for the few minutes in which one may not hear it, which steps have ended
/// without having been told, and who is writing an upload.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements(
            manager,
            &[
                "CREATE TABLE news (id {id}, told TEXT NOT NULL, at BIGINT NOT NULL)",
                "ALTER TABLE operation_steps ADD COLUMN untold BOOLEAN NOT NULL DEFAULT FALSE",
                "ALTER TABLE uploads ADD COLUMN held_until BIGINT NOT NULL DEFAULT 0",
            ],
        )
        .await
    }
}
