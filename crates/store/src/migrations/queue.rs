use sea_orm::DbErr;

use super::{DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, statements};

/// Limits of servers and registries, off-peak windows, and what a waiting step waits for.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements(manager, STATEMENTS).await
    }
}

const STATEMENTS: &[&str] = &[
    "ALTER TABLE servers ADD COLUMN step_limit BIGINT",
    "ALTER TABLE servers ADD COLUMN off_peak TEXT",
    "CREATE INDEX servers_off_peak ON servers (id) WHERE off_peak IS NOT NULL",
    "ALTER TABLE registries ADD COLUMN step_limit BIGINT",
    // The host that a pull or push talks to.
    "ALTER TABLE operation_steps ADD COLUMN registry TEXT",
    // Whether it waits for the off-peak window; null leaves that to the server's rule for bulk steps.
    "ALTER TABLE operation_steps ADD COLUMN off_peak BOOLEAN",
    "ALTER TABLE operation_steps ADD COLUMN queued_at BIGINT NOT NULL DEFAULT 0",
    // What it was last announced to wait for.
    "ALTER TABLE operation_steps ADD COLUMN waiting TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX operation_steps_registry ON operation_steps (registry) WHERE status = 'running'",
];
