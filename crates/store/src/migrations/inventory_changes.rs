use sea_orm::{DatabaseBackend, DbErr};

use super::{DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, statements};

/// Changes of the inventory have numbers, so that what is kept of it in memory is as fresh as the database. What pages
/// were found by before goes: the index of texts, blocks of references, counts of statuses on each server. The columns
/// `image_references.block` and `server_inventories.version` stay unused.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements(manager, STATEMENTS).await?;
        if manager.get_database_backend() == DatabaseBackend::Sqlite {
            statements(manager, SQLITE).await
        } else {
            statements(manager, &["DROP INDEX IF EXISTS image_references_text"]).await
        }
    }
}

const STATEMENTS: &[&str] = &[
    "CREATE TABLE inventory_changes (number BIGINT NOT NULL)",
    "INSERT INTO inventory_changes (number) VALUES (1)",
    "ALTER TABLE image_references ADD COLUMN changed BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX image_references_changed ON image_references (changed)",
    // References that nobody holds any more, for those who knew them.
    "CREATE TABLE image_references_gone (id BIGINT PRIMARY KEY, changed BIGINT NOT NULL)",
    "CREATE INDEX image_references_gone_changed ON image_references_gone (changed)",
    // The changes that last touched a server's images at all, and what it holds; and in an index of their own, since
    // much else lies in a server's row.
    "ALTER TABLE servers ADD COLUMN images_changed BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE servers ADD COLUMN contents_changed BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX servers_changed ON servers (images_changed, contents_changed, id)",
    "DROP INDEX image_references_blocks",
    "DROP INDEX image_references_search",
    "DROP INDEX image_references_tag",
    "DROP TABLE image_counts",
];

const SQLITE: &[&str] = &[
    "DROP TRIGGER image_references_text_insert",
    "DROP TRIGGER image_references_text_delete",
    "DROP TABLE image_references_text",
];
