use sea_orm::{DatabaseBackend, DbErr};

use super::{DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, statements};

/// Lists in the order of a column are read along its index, from either end, with what is unknown before everything else.
/// `SQLite` keeps it like that anyway, and ids behind it; `PostgreSQL` sorted every image for each page.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            statements(manager, POSTGRES).await?;
        }
        Ok(())
    }
}

const POSTGRES: &[&str] = &[
    "DROP INDEX images_size",
    "DROP INDEX images_created",
    "DROP INDEX images_updated",
    "CREATE INDEX images_size ON images (size NULLS FIRST, id)",
    "CREATE INDEX images_created ON images (created_at NULLS FIRST, id)",
    "CREATE INDEX images_updated ON images (updated_at NULLS FIRST, id)",
];
