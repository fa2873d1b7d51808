use sea_orm::DbErr;
use sea_orm::{ConnectionTrait as _, DatabaseBackend};

use super::{DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, statements};

/// The audit log is append-only for everybody who reaches the database through us: no line is changed, and one is
/// removed by age alone (`audit_kept_from` in the settings says from when on lines are kept). And it tells how the
/// steps of operations ended: once each.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements(
            manager,
            &["ALTER TABLE operation_steps ADD COLUMN audited BOOLEAN NOT NULL DEFAULT FALSE"],
        )
        .await?;
        if manager.get_database_backend() == DatabaseBackend::Sqlite {
            statements(manager, SQLITE).await
        } else {
            // Functions have semicolons inside: one statement at a time is enough all the same.
            for statement in POSTGRES {
                manager.get_connection().execute_unprepared(statement).await?;
            }
            Ok(())
        }
    }
}

const SQLITE: &[&str] = &[
    "CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
     WHEN old.at >= COALESCE((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'audit_kept_from'), 0) BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only'); END",
];

const POSTGRES: &[&str] = &[
    "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'DELETE' AND OLD.at < COALESCE(
            (SELECT CAST(value AS BIGINT) FROM settings WHERE name = 'audit_kept_from'), 0) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'the audit log is append-only';
    END $$",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
        FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
    "CREATE FUNCTION audit_not_emptied() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'the audit log is append-only';
    END $$",
    "CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION audit_not_emptied()",
];
