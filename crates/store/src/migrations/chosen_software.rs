use sea_orm::DbErr;

use super::{DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, statements};

/// The catalogue entry that somebody chose for a reference whose repository says nothing of it: one in an own registry, or a mirror.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements(
            manager,
            &["ALTER TABLE image_references ADD COLUMN chosen_software_id BIGINT REFERENCES software(id) ON DELETE SET NULL"],
        )
        .await
    }
}
