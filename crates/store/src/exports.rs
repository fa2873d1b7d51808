//! Exports: finished archives that we keep, and those being written. The bytes lie in the archive store.

use imagefleet_model::{
    Access, ErrorCode, Export, ExportStatus, ExportedImage, Failure, OperationId, Page, PageRequest,
    ServerId, Timestamp, Verb,
};
use sea_orm::{FromQueryResult, Value};

use crate::{Result, Store, StoreError, UNKNOWN_REPOSITORY, scope, sql};

/// An export to be written.
#[derive(Debug, Clone)]
pub struct NewExport {
    /// The operation that makes it.
    pub operation_id: Option<OperationId>,
    /// A name that says what is inside.
    pub file_name: String,
    /// Where in the archive store its bytes will lie.
    pub location: String,
    /// The server that it is saved from.
    pub server_id: ServerId,
    /// What will be inside.
    pub images: Vec<ExportedImage>,
    /// Who makes it.
    pub user_id: Option<i64>,
    /// That user's name.
    pub created_by: String,
}

/// An export with what only the program needs to know.
#[derive(Debug, Clone)]
pub struct StoredExport {
    /// What people see.
    pub export: Export,
    /// Where in the archive store its bytes lie.
    pub location: String,
}

/// An id for an export: time-ordered, not to be guessed.
#[must_use]
pub fn new_export_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

#[derive(FromQueryResult)]
struct ExportRow {
    id: String,
    operation_id: Option<String>,
    status: String,
    file_name: String,
    location: String,
    size: i64,
    sha256: Option<String>,
    images: String,
    created_by: String,
    created_at: i64,
    expires_at: Option<i64>,
}

const COLUMNS: &str = "e.id, e.operation_id, e.status, e.file_name, e.location, e.size, e.sha256, e.images, \
                       e.created_by, e.created_at, e.expires_at";

impl ExportRow {
    fn into_stored(self) -> Result<StoredExport> {
        let status = ExportStatus::from_word(&self.status)
            .ok_or_else(|| StoreError::Unreadable(format!("export status {}", self.status)))?;
        Ok(StoredExport {
            location: self.location,
            export: Export {
                id: self.id,
                operation_id: self.operation_id,
                status,
                file_name: self.file_name,
                size: sql::unsigned(self.size),
                sha256: self.sha256,
                images: sql::from_json(&self.images)?,
                created_by: self.created_by,
                created_at: sql::time(self.created_at),
                expires_at: sql::maybe_time(self.expires_at),
            },
        })
    }
}

impl Store {
    /// Writes down that an export is being made, under an id from [`new_export_id`].
    pub async fn create_export(&self, id: &str, new: NewExport) -> Result<StoredExport> {
        let now = self.now_ms();
        self.write(async |tx| {
            sql::run(
                tx,
                "INSERT INTO exports (id, operation_id, status, file_name, location, server_id, images, user_id,
                    created_by, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                vec![
                    id.into(),
                    new.operation_id.into(),
                    ExportStatus::Preparing.as_str().into(),
                    new.file_name.into(),
                    new.location.into(),
                    new.server_id.into(),
                    sql::json(&new.images)?.into(),
                    new.user_id.into(),
                    new.created_by.into(),
                    now.into(),
                ],
            )
            .await?;
            for image in new.images {
                // Without a name it is in no grant's patterns, as in the inventory.
                let repository = image.repository.unwrap_or_else(|| UNKNOWN_REPOSITORY.to_owned());
                sql::run(
                    tx,
                    "INSERT INTO export_images (export_id, server_id, repository) VALUES ($1, $2, $3)",
                    vec![id.into(), image.server_id.into(), repository.into()],
                )
                .await?;
            }
            Ok(())
        })
        .await?;
        self.any_export(id).await
    }

    /// The archive is whole and checked. False when the export was deleted meanwhile: its bytes have to go.
    pub async fn finish_export(
        &self,
        id: &str,
        size: u64,
        sha256: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<bool> {
        let touched = self
            .write(async |tx| {
                sql::run(
                    tx,
                    "UPDATE exports SET status = 'ready', size = $2, sha256 = $3, expires_at = $4
                     WHERE id = $1 AND status = 'preparing'",
                    vec![
                        id.into(),
                        sql::signed(size).into(),
                        sha256.into(),
                        expires_at.map(|at| at.timestamp_millis()).into(),
                    ],
                )
                .await
            })
            .await?;
        Ok(touched > 0)
    }

    /// One export that this caller may fetch: one of which they may export every image.
    pub async fn export(&self, id: &str, access: &Access) -> Result<StoredExport> {
        let mut values: Vec<Value> = vec![id.into()];
        let fetchable = fetchable(access, &mut values);
        let kept = self.kept(&mut values);
        let row: Option<ExportRow> = sql::one(
            &self.db,
            &format!("SELECT {COLUMNS} FROM exports e WHERE e.id = $1 AND {fetchable} AND {kept}"),
            values,
        )
        .await?;
        row.ok_or_else(not_found)?.into_stored()
    }

    /// One export, whosever it is: for the program's own work.
    pub async fn any_export(&self, id: &str) -> Result<StoredExport> {
        let row: Option<ExportRow> = sql::one(
            &self.db,
            &format!("SELECT {COLUMNS} FROM exports e WHERE e.id = $1"),
            vec![id.into()],
        )
        .await?;
        row.ok_or_else(not_found)?.into_stored()
    }

    /// Whether an operation that has not ended will make this export: it has no row before its step begins.
    pub async fn export_awaited(&self, id: &str) -> Result<bool> {
        if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(false);
        }
        let steps = sql::number(
            &self.db,
            "SELECT COUNT(*) FROM operations o JOIN operation_steps s ON s.operation_id = o.id
             WHERE o.finished_at IS NULL AND o.kind = 'export_image' AND s.payload LIKE $1",
            vec![format!("%{id}%").into()],
        )
        .await?;
        Ok(steps > 0)
    }

    /// A page of the finished exports that this caller may fetch, newest first.
    pub async fn exports(&self, access: &Access, page: PageRequest) -> Result<Page<Export>> {
        let mut values: Vec<Value> = Vec::new();
        let fetchable = fetchable(access, &mut values);
        let kept = self.kept(&mut values);
        let matches = format!("e.status = 'ready' AND {fetchable} AND {kept}");
        let total = sql::number(
            &self.db,
            &format!("SELECT COUNT(*) FROM exports e WHERE {matches}"),
            values.clone(),
        )
        .await?;
        let (limit, offset) = (values.len() + 1, values.len() + 2);
        values.push(sql::signed(page.size).into());
        values.push(sql::signed(page.offset()).into());
        let rows: Vec<ExportRow> = sql::all(
            &self.db,
            &format!(
                "SELECT {COLUMNS} FROM exports e WHERE {matches} ORDER BY e.id DESC LIMIT ${limit} OFFSET ${offset}"
            ),
            values,
        )
        .await?;
        let items = rows
            .into_iter()
            .map(|row| Ok(row.into_stored()?.export))
            .collect::<Result<_>>()?;
        Ok(Page::new(items, sql::unsigned(total), page))
    }

    /// Whose time is not over; what is over goes with the next sweep, and nobody gets it until then.
    fn kept(&self, values: &mut Vec<Value>) -> String {
        values.push(self.now_ms().into());
        format!("(e.expires_at IS NULL OR e.expires_at > ${})", values.len())
    }

    /// Exports whose time is over.
    pub async fn expired_exports(&self) -> Result<Vec<StoredExport>> {
        self.stored_exports(
            "e.status = 'ready' AND e.expires_at <= $1",
            vec![self.now_ms().into()],
        )
        .await
    }

    /// Exports that no running or waiting operation is writing any more: what a crash left behind.
    pub async fn abandoned_exports(&self) -> Result<Vec<StoredExport>> {
        self.stored_exports(
            "e.status = 'preparing' AND NOT EXISTS (
                SELECT 1 FROM operations o WHERE o.id = e.operation_id AND o.finished_at IS NULL)",
            vec![],
        )
        .await
    }

    /// Finished exports, oldest first: what goes first when the budget is spent.
    pub async fn oldest_exports(&self) -> Result<Vec<StoredExport>> {
        self.stored_exports("e.status = 'ready'", vec![]).await
    }

    async fn stored_exports(&self, matches: &str, values: Vec<Value>) -> Result<Vec<StoredExport>> {
        let rows: Vec<ExportRow> = sql::all(
            &self.db,
            &format!("SELECT {COLUMNS} FROM exports e WHERE {matches} ORDER BY e.id LIMIT 500"),
            values,
        )
        .await?;
        rows.into_iter().map(ExportRow::into_stored).collect()
    }

    /// Bytes of all exports.
    pub async fn export_bytes(&self) -> Result<u64> {
        let bytes = sql::number(
            &self.db,
            "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM exports",
            vec![],
        )
        .await?;
        Ok(sql::unsigned(bytes))
    }

    /// Forgets an export; its bytes are the caller's to remove. False when it was gone already.
    pub async fn delete_export(&self, id: &str) -> Result<bool> {
        let gone = self
            .write(async |tx| sql::run(tx, "DELETE FROM exports WHERE id = $1", vec![id.into()]).await)
            .await?;
        Ok(gone > 0)
    }
}

/// The right to export every image inside, whoever made it: what was taken from somebody is not theirs as a file either.
fn fetchable(access: &Access, values: &mut Vec<Value>) -> String {
    let Some(allowed) = scope::condition(access, Verb::ImageExport, "x.server_id", "x.repository", values)
    else {
        return "TRUE".to_owned();
    };
    format!(
        "(EXISTS (SELECT 1 FROM export_images x WHERE x.export_id = e.id)
          AND NOT EXISTS (SELECT 1 FROM export_images x WHERE x.export_id = e.id AND NOT {allowed}))"
    )
}

fn not_found() -> StoreError {
    StoreError::Refused(Failure::new(ErrorCode::NotFound, "There is no such export."))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use imagefleet_model::{Access, Clock as _, ExportStatus, ExportedImage, PageRequest, Verb};

    use super::{NewExport, new_export_id};
    use crate::testing::{self, TestStore};

    fn image(server_id: i64, repository: &str) -> ExportedImage {
        ExportedImage {
            image_id: Some(1),
            server_id,
            server_name: "a".to_owned(),
            repository: Some(repository.to_owned()),
            tag: Some("1".to_owned()),
            full_name: format!("{repository}:1"),
            platform: None,
        }
    }

    async fn made(at: &TestStore, user: i64, images: Vec<ExportedImage>) -> String {
        let id = new_export_id();
        let new = NewExport {
            operation_id: None,
            file_name: "a.tar".to_owned(),
            location: format!("exports/{id}"),
            server_id: 1,
            images,
            user_id: Some(user),
            created_by: "somebody".to_owned(),
        };
        at.store.create_export(&id, new).await.expect("made");
        id
    }

    #[tokio::test]
    async fn those_of_which_every_image_may_be_exported_whoever_made_them() {
        for at in testing::stores().await {
            let until = Some(at.clock.now() + Duration::from_mins(1));
            let own = made(&at, 1, vec![image(1, "secret/app")]).await;
            let team = made(&at, 2, vec![image(1, "team/a"), image(1, "team/b")]).await;
            let mixed = made(&at, 2, vec![image(1, "team/a"), image(1, "other/b")]).await;
            let elsewhere = made(&at, 2, vec![image(2, "team/a")]).await;
            for id in [&own, &team, &mixed, &elsewhere] {
                assert!(
                    at.store
                        .finish_export(id, 10, "00", until)
                        .await
                        .expect("finished")
                );
                assert!(
                    !at.store.finish_export(id, 11, "00", until).await.expect("asked"),
                    "only once"
                );
            }
            let mut access = Access::default();
            access.add(vec![Verb::ImageExport], Some(vec![1]), &["team/*".to_owned()]);
            let page = at
                .store
                .exports(&access, PageRequest::default())
                .await
                .expect("listed");
            let seen: Vec<_> = page.items.iter().map(|export| export.id.as_str()).collect();
            assert_eq!((page.total, seen), (1, vec![team.as_str()]));
            assert!(at.store.export(&own, &access).await.is_err());
            assert!(at.store.export(&mixed, &access).await.is_err());
            assert!(at.store.export(&elsewhere, &access).await.is_err());
            assert!(at.store.export(&team, &access).await.is_ok());
            let all = at
                .store
                .exports(&Access::full(), PageRequest::default())
                .await
                .expect("listed");
            assert_eq!(all.total, 4);
            let nobody = at
                .store
                .exports(&Access::default(), PageRequest::default())
                .await
                .expect("listed");
            assert_eq!(nobody.total, 0);
        }
    }

    #[tokio::test]
    async fn only_what_is_whole_is_offered_and_it_expires() {
        for at in testing::stores().await {
            let id = made(&at, 1, vec![image(1, "a")]).await;
            let full = Access::full();
            assert_eq!(
                at.store
                    .exports(&full, PageRequest::default())
                    .await
                    .expect("listed")
                    .total,
                0
            );
            let stored = at.store.export(&id, &full).await.expect("read");
            assert_eq!(
                (stored.export.status, stored.export.size),
                (ExportStatus::Preparing, 0)
            );
            assert_eq!(at.store.abandoned_exports().await.expect("asked").len(), 1);
            let until = Some(at.clock.now() + Duration::from_mins(1));
            assert!(
                at.store
                    .finish_export(&id, 9, "ab", until)
                    .await
                    .expect("finished")
            );
            assert!(at.store.abandoned_exports().await.expect("asked").is_empty());
            assert!(at.store.expired_exports().await.expect("asked").is_empty());
            assert_eq!(at.store.export_bytes().await.expect("summed"), 9);
            at.pass(60);
            assert_eq!(at.store.expired_exports().await.expect("asked").len(), 1);
            assert!(
                at.store.export(&id, &full).await.is_err(),
                "nobody gets it, though it is still there"
            );
            let listed = at.store.exports(&full, PageRequest::default()).await;
            assert_eq!(listed.expect("listed").total, 0);
            assert!(at.store.delete_export(&id).await.expect("gone"));
            assert!(!at.store.delete_export(&id).await.expect("asked"));
            assert!(
                !at.store.finish_export(&id, 9, "ab", until).await.expect("asked"),
                "it is deleted"
            );
            assert!(at.store.export(&id, &full).await.is_err());
        }
    }
}
