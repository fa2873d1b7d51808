use sea_orm::{ConnectionTrait as _, DatabaseBackend, DbErr};

use super::{DeriveMigrationName, MigrationTrait, SchemaManager, async_trait, statements};

/// The first schema.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements(manager, TABLES).await?;
        if manager.get_database_backend() == DatabaseBackend::Sqlite {
            statements(manager, SQLITE_TEXTS).await?;
            statements(manager, SQLITE).await
        } else {
            statements(manager, POSTGRES).await?;
            // The extension needs a right that not every owner of a database has; search works without its index.
            manager
                .get_connection()
                .execute_unprepared(POSTGRES_TRIGRAM)
                .await
                .map(|_| ())
        }
    }
}

/// Times are milliseconds since 1970, sizes bytes, lists and objects JSON text.
const TABLES: &[&str] = &[
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE servers (
        id {id}, name {name} NOT NULL UNIQUE, endpoint TEXT NOT NULL, description TEXT NOT NULL DEFAULT '',
        tags TEXT NOT NULL DEFAULT '[]', enabled BOOLEAN NOT NULL DEFAULT TRUE, paused BOOLEAN NOT NULL DEFAULT FALSE,
        tls_secret TEXT, tls_info TEXT, ssh_secret TEXT, ssh_info TEXT, ssh_host_key TEXT,
        generation BIGINT NOT NULL DEFAULT 1,
        status TEXT NOT NULL DEFAULT 'offline', status_code TEXT, status_reason TEXT, status_since BIGINT,
        engine_version TEXT, api_version TEXT, image_store TEXT, platform TEXT,
        memory_bytes BIGINT, cpus BIGINT,
        image_count BIGINT NOT NULL DEFAULT 0, total_size BIGINT NOT NULL DEFAULT 0,
        last_seen_at BIGINT, last_sync_at BIGINT, watch_owner TEXT, watch_until BIGINT,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)",
    "CREATE TABLE software (
        id {id}, name TEXT NOT NULL, icon TEXT NOT NULL DEFAULT '', category TEXT NOT NULL DEFAULT '',
        description TEXT NOT NULL DEFAULT '', description_zh TEXT NOT NULL DEFAULT '',
        repository TEXT NOT NULL, default_tag TEXT NOT NULL DEFAULT 'latest',
        form TEXT NOT NULL DEFAULT '{}', builtin BOOLEAN NOT NULL DEFAULT FALSE,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, UNIQUE (repository, builtin))",
    // Each distinct reference once, as long as a server holds it: text and its search index are touched only when it is
    // new or gone. `search` is what people search in, in small letters. The counts are kept by `inventory/counts.rs`.
    "CREATE TABLE image_references (
        id {id}, full_name {name} NOT NULL, repository {name} NOT NULL, tag {name}, search {name} NOT NULL,
        block BIGINT NOT NULL DEFAULT 0,
        software_id BIGINT REFERENCES software(id) ON DELETE SET NULL,
        placements BIGINT NOT NULL DEFAULT 0, pulling BIGINT NOT NULL DEFAULT 0, pull_failed BIGINT NOT NULL DEFAULT 0,
        deleting BIGINT NOT NULL DEFAULT 0, delete_failed BIGINT NOT NULL DEFAULT 0,
        start_failed BIGINT NOT NULL DEFAULT 0, in_use BIGINT NOT NULL DEFAULT 0, UNIQUE (full_name, repository))",
    "CREATE INDEX image_references_search ON image_references (search)",
    // Deep pages in the order of names are found by adding up what blocks of neighbours hold: see `inventory/blocks.rs`.
    "CREATE INDEX image_references_blocks ON image_references (
        block, search, placements, pulling, pull_failed, deleting, delete_failed, start_failed, in_use)",
    "CREATE INDEX image_references_tag ON image_references (tag)",
    "CREATE INDEX image_references_repository ON image_references (repository, tag)",
    "CREATE INDEX image_references_software ON image_references (software_id)",
    // What an engine id means, asked of an engine once and true everywhere: ids are content addresses.
    "CREATE TABLE image_contents (
        engine_id TEXT PRIMARY KEY, platform TEXT, fingerprint TEXT, created_at BIGINT)",
    "CREATE TABLE images (
        id {id}, server_id BIGINT NOT NULL REFERENCES servers(id) ON DELETE CASCADE,
        reference_id BIGINT NOT NULL REFERENCES image_references(id),
        engine_id TEXT NOT NULL DEFAULT '', digest TEXT, fingerprint TEXT, size BIGINT NOT NULL DEFAULT 0, platform TEXT,
        status TEXT NOT NULL DEFAULT 'AVAILABLE', error TEXT, in_use BOOLEAN NOT NULL DEFAULT FALSE,
        created_at BIGINT, first_seen_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
        UNIQUE (server_id, reference_id))",
    "CREATE INDEX images_reference ON images (reference_id, server_id)",
    "CREATE INDEX images_engine_id ON images (engine_id, server_id)",
    "CREATE INDEX images_used ON images (server_id, reference_id) WHERE in_use",
    "CREATE INDEX images_size ON images (size)",
    "CREATE INDEX images_created ON images (created_at)",
    "CREATE INDEX images_updated ON images (updated_at)",
    // Images and bytes (each engine id once) of a server under one status, or `UNUSED`: what a filter adds up to.
    "CREATE TABLE image_counts (
        server_id BIGINT NOT NULL REFERENCES servers(id) ON DELETE CASCADE, kind TEXT NOT NULL,
        images BIGINT NOT NULL, total_size BIGINT NOT NULL, PRIMARY KEY (server_id, kind))",
    "CREATE INDEX images_status ON images (status, server_id) WHERE status <> 'AVAILABLE'",
    // What each server holds, as text that is read in one go: reference ids, and beside each its `size:content`, where
    // equal contents have equal numbers. A search over the groups by server adds it up without touching image rows.
    "CREATE TABLE server_inventories (
        server_id BIGINT PRIMARY KEY REFERENCES servers(id) ON DELETE CASCADE,
        reference_ids TEXT NOT NULL, contents TEXT NOT NULL)",
    "CREATE TABLE containers (
        id {id}, server_id BIGINT NOT NULL REFERENCES servers(id) ON DELETE CASCADE, engine_id TEXT NOT NULL,
        name TEXT NOT NULL, image TEXT NOT NULL, image_name TEXT NOT NULL, repository TEXT NOT NULL,
        image_engine_id TEXT NOT NULL,
        state TEXT NOT NULL, status TEXT NOT NULL, ports TEXT NOT NULL DEFAULT '[]',
        created_at BIGINT, updated_at BIGINT NOT NULL, UNIQUE (server_id, engine_id))",
    "CREATE INDEX containers_image ON containers (server_id, image_engine_id)",
    "CREATE TABLE registries (
        id {id}, name TEXT NOT NULL UNIQUE, url TEXT NOT NULL, host TEXT NOT NULL, namespace TEXT NOT NULL DEFAULT '',
        username TEXT, password_secret TEXT, ca TEXT, plain_http BOOLEAN NOT NULL DEFAULT FALSE,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)",
    "CREATE TABLE users (
        id {id}, username TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, disabled BOOLEAN NOT NULL DEFAULT FALSE,
        must_change_password BOOLEAN NOT NULL DEFAULT FALSE,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, last_login_at BIGINT)",
    "CREATE TABLE roles (name TEXT PRIMARY KEY, verbs TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)",
    "CREATE TABLE grants (
        id {id}, user_id BIGINT NOT NULL REFERENCES users(id) ON DELETE CASCADE, role TEXT NOT NULL,
        servers TEXT NOT NULL, repositories TEXT NOT NULL)",
    "CREATE INDEX grants_user ON grants (user_id)",
    // `id` is the SHA-256 of the cookie's value: who reads the table cannot log in with it.
    "CREATE TABLE sessions (
        id TEXT PRIMARY KEY, public_id TEXT NOT NULL UNIQUE,
        user_id BIGINT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
        address TEXT NOT NULL DEFAULT '', agent TEXT NOT NULL DEFAULT '',
        created_at BIGINT NOT NULL, last_seen_at BIGINT NOT NULL, expires_at BIGINT NOT NULL)",
    "CREATE INDEX sessions_user ON sessions (user_id)",
    "CREATE TABLE tokens (
        id {id}, user_id BIGINT NOT NULL REFERENCES users(id) ON DELETE CASCADE, name TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE, verbs TEXT, created_at BIGINT NOT NULL, last_used_at BIGINT, expires_at BIGINT,
        UNIQUE (user_id, name))",
    "CREATE TABLE audit (
        id {id}, at BIGINT NOT NULL, username TEXT NOT NULL, address TEXT NOT NULL, action TEXT NOT NULL,
        server_id BIGINT, server_name TEXT, subject TEXT NOT NULL DEFAULT '', outcome TEXT NOT NULL,
        code TEXT, detail TEXT NOT NULL DEFAULT '', operation_id TEXT, request_id TEXT)",
    "CREATE INDEX audit_at ON audit (at)",
    "CREATE TABLE operations (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, status TEXT NOT NULL, title TEXT NOT NULL,
        message TEXT NOT NULL DEFAULT '', progress BIGINT NOT NULL DEFAULT 0, user_id BIGINT, created_by TEXT NOT NULL,
        request TEXT NOT NULL DEFAULT '{}', error TEXT, result TEXT, seq BIGINT NOT NULL DEFAULT 0,
        cancel_requested BOOLEAN NOT NULL DEFAULT FALSE, announced BOOLEAN NOT NULL DEFAULT FALSE,
        created_at BIGINT NOT NULL, started_at BIGINT, finished_at BIGINT)",
    "CREATE INDEX operations_active ON operations (status) WHERE finished_at IS NULL",
    "CREATE INDEX operations_kind ON operations (kind, id)",
    "CREATE TABLE operation_steps (
        id {id}, operation_id TEXT NOT NULL REFERENCES operations(id) ON DELETE CASCADE, position BIGINT NOT NULL,
        server_id BIGINT NOT NULL, server_name TEXT NOT NULL, image_id BIGINT, repository TEXT, tag TEXT,
        status TEXT NOT NULL, progress BIGINT NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
        bytes_done BIGINT NOT NULL DEFAULT 0, bytes_total BIGINT, bytes_per_second BIGINT, layers TEXT,
        exclusive BOOLEAN NOT NULL DEFAULT TRUE, bulk BOOLEAN NOT NULL DEFAULT FALSE,
        share_key TEXT, shared_with BIGINT, payload TEXT NOT NULL DEFAULT '{}',
        attempt BIGINT NOT NULL DEFAULT 0, not_before BIGINT NOT NULL DEFAULT 0, worker TEXT, lease_until BIGINT,
        error TEXT, result TEXT, started_at BIGINT, finished_at BIGINT)",
    "CREATE INDEX operation_steps_operation ON operation_steps (operation_id, position)",
    "CREATE INDEX operation_steps_active ON operation_steps (server_id, status) WHERE status IN ('queued', 'running')",
    "CREATE INDEX operation_steps_shared ON operation_steps (shared_with) WHERE shared_with IS NOT NULL",
    "CREATE INDEX operation_steps_server ON operation_steps (server_id, operation_id)",
    "CREATE TABLE exports (
        id TEXT PRIMARY KEY, operation_id TEXT, status TEXT NOT NULL, file_name TEXT NOT NULL, location TEXT NOT NULL,
        size BIGINT NOT NULL DEFAULT 0, sha256 TEXT, server_id BIGINT, images TEXT NOT NULL DEFAULT '[]',
        user_id BIGINT, created_by TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT)",
    "CREATE INDEX exports_expiry ON exports (expires_at)",
    // What an export holds, for the question who may fetch it.
    "CREATE TABLE export_images (
        export_id TEXT NOT NULL REFERENCES exports(id) ON DELETE CASCADE,
        server_id BIGINT NOT NULL, repository TEXT)",
    "CREATE INDEX export_images_export ON export_images (export_id)",
    "CREATE TABLE uploads (
        id TEXT PRIMARY KEY, user_id BIGINT NOT NULL, file_name TEXT NOT NULL, location TEXT NOT NULL,
        length BIGINT, received BIGINT NOT NULL DEFAULT 0, status TEXT NOT NULL, contents TEXT,
        metadata TEXT NOT NULL DEFAULT '', created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL)",
    // Which objects make up an upload: several programs may try to store the same bytes, and one of them succeeds.
    "CREATE TABLE upload_stretches (
        upload_id TEXT NOT NULL REFERENCES uploads(id) ON DELETE CASCADE, start BIGINT NOT NULL, size BIGINT NOT NULL,
        name TEXT NOT NULL, PRIMARY KEY (upload_id, start))",
];

/// The index of texts in the first schema; a test of upgrades makes it again.
pub const SQLITE_TEXTS: &[&str] = &[
    "CREATE VIRTUAL TABLE image_references_text USING fts5 (
        search, content='image_references', content_rowid='id', tokenize='trigram case_sensitive 1')",
    "CREATE TRIGGER image_references_text_insert AFTER INSERT ON image_references BEGIN
        INSERT INTO image_references_text (rowid, search) VALUES (new.id, new.search); END",
    "CREATE TRIGGER image_references_text_delete AFTER DELETE ON image_references BEGIN
        INSERT INTO image_references_text (image_references_text, rowid, search)
        VALUES ('delete', old.id, old.search); END",
];

const SQLITE: &[&str] = &["CREATE VIEW system_soft_image AS
        SELECT i.id AS system_soft_image_id, r.software_id AS system_soft_id,
               i.server_id AS system_soft_image_server_id, s.name AS system_soft_image_server_name,
               i.engine_id AS system_soft_image_image_id, r.repository AS system_soft_image_name,
               r.tag AS system_soft_image_tag, r.full_name AS system_soft_image_full_name,
               i.size AS system_soft_image_size, i.status AS system_soft_image_status,
               strftime('%Y-%m-%d %H:%M:%f', i.first_seen_at / 1000.0, 'unixepoch') AS create_time,
               strftime('%Y-%m-%d %H:%M:%f', i.updated_at / 1000.0, 'unixepoch') AS update_time
        FROM images i JOIN image_references r ON r.id = i.reference_id JOIN servers s ON s.id = i.server_id"];

const POSTGRES: &[&str] = &["CREATE VIEW system_soft_image AS
        SELECT i.id AS system_soft_image_id, r.software_id AS system_soft_id,
               i.server_id AS system_soft_image_server_id, s.name AS system_soft_image_server_name,
               i.engine_id AS system_soft_image_image_id, r.repository AS system_soft_image_name,
               r.tag AS system_soft_image_tag, r.full_name AS system_soft_image_full_name,
               i.size AS system_soft_image_size, i.status AS system_soft_image_status,
               to_timestamp(i.first_seen_at / 1000.0) AS create_time,
               to_timestamp(i.updated_at / 1000.0) AS update_time
        FROM images i JOIN image_references r ON r.id = i.reference_id JOIN servers s ON s.id = i.server_id"];

const POSTGRES_TRIGRAM: &str = "DO $$ BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        CREATE INDEX image_references_text ON image_references USING gin (search gin_trgm_ops);
    EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
        RAISE NOTICE 'pg_trgm is not available: substring search reads every reference';
    END $$";
