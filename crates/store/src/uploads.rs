//! Uploads: how much of an archive has come, and what is inside once all of it is there. The bytes lie in the archive
//! store; only their place is kept here.

use imagefleet_model::{ErrorCode, Failure, Page, PageRequest, Timestamp};
use sea_orm::FromQueryResult;
use serde_json::Value as Json;

use crate::{Result, Store, StoreError, sql};

/// An archive on its way to us, or arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// Time-ordered.
    pub id: String,
    /// Whose it is: nobody else may touch it.
    pub user_id: i64,
    /// The file's own name.
    pub file_name: String,
    /// Where in the archive store its bytes lie.
    pub location: String,
    /// Bytes in all; `None` while the sender has not said.
    pub length: Option<u64>,
    /// Bytes that are stored.
    pub received: u64,
    /// Whether all of it is there.
    pub complete: bool,
    /// What is inside, once it was read.
    pub contents: Option<Json>,
    /// The sender's own words (tus `Upload-Metadata`), as they came.
    pub metadata: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When the last bytes came.
    pub updated_at: Timestamp,
    /// When it will be removed.
    pub expires_at: Timestamp,
}

/// An upload to be begun.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// From [`new_upload_id`], so that the file can be made first.
    pub id: String,
    /// Whose it is.
    pub user_id: i64,
    /// The file's own name.
    pub file_name: String,
    /// Where in the archive store its bytes will lie.
    pub location: String,
    /// Bytes in all, when said.
    pub length: Option<u64>,
    /// The sender's own words.
    pub metadata: String,
    /// When it is removed if nothing comes any more.
    pub expires_at: Timestamp,
}

/// Bytes of an upload that lie in the archive store as one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadStretch {
    /// Where in the file they begin.
    pub start: u64,
    /// How many.
    pub size: u64,
    /// The object's name below the upload's place.
    pub name: String,
}

/// An id for an upload: time-ordered, not to be guessed.
#[must_use]
pub fn new_upload_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

#[derive(FromQueryResult)]
struct UploadRow {
    id: String,
    user_id: i64,
    file_name: String,
    location: String,
    length: Option<i64>,
    received: i64,
    status: String,
    contents: Option<String>,
    metadata: String,
    created_at: i64,
    updated_at: i64,
    expires_at: i64,
}

const COLUMNS: &str = "id, user_id, file_name, location, length, received, status, contents, metadata, created_at, \
                       updated_at, expires_at";
/// Whether the operation `o` is an import of the upload `u` that has not ended.
const NEEDS_UPLOAD: &str =
    "o.finished_at IS NULL AND o.kind = 'import_image' AND o.request LIKE '%' || u.id || '%'";
const RECEIVING: &str = "receiving";
const COMPLETE: &str = "complete";

impl UploadRow {
    fn into_upload(self) -> Result<Upload> {
        Ok(Upload {
            id: self.id,
            user_id: self.user_id,
            file_name: self.file_name,
            location: self.location,
            length: self.length.map(sql::unsigned),
            received: sql::unsigned(self.received),
            complete: self.status == COMPLETE,
            contents: sql::maybe_json(self.contents.as_deref())?,
            metadata: self.metadata,
            created_at: sql::time(self.created_at),
            updated_at: sql::time(self.updated_at),
            expires_at: sql::time(self.expires_at),
        })
    }
}

impl Store {
    /// Says that this program writes an upload for so long, in milliseconds, or no longer (0). Only programs that share the store need to
    /// know.
    pub async fn hold_upload(&self, id: &str, lease_ms: i64) -> Result<()> {
        if !self.is_shared() {
            return Ok(());
        }
        let until = self.lease_now(&self.db).await? + lease_ms;
        let hold = "UPDATE uploads SET held_until = $2 WHERE id = $1";
        sql::run(&self.db, hold, vec![id.into(), until.into()]).await?;
        Ok(())
    }

    /// Whether a program that shares the store writes an upload. Nobody writes one that is gone.
    pub async fn is_upload_held(&self, id: &str) -> Result<bool> {
        if !self.is_shared() {
            return Ok(false);
        }
        let now = self.lease_now(&self.db).await?;
        let held = "SELECT COUNT(*) FROM uploads WHERE id = $1 AND held_until > $2";
        Ok(sql::number(&self.db, held, vec![id.into(), now.into()]).await? > 0)
    }

    /// Begins an upload.
    pub async fn create_upload(&self, new: NewUpload) -> Result<Upload> {
        let now = self.now_ms();
        let id = new.id.clone();
        self.write(async |tx| {
            sql::run(
                tx,
                "INSERT INTO uploads (id, user_id, file_name, location, length, status, metadata, created_at, updated_at,
                    expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)",
                vec![
                    new.id.into(),
                    new.user_id.into(),
                    new.file_name.into(),
                    new.location.into(),
                    new.length.map(sql::signed).into(),
                    // An empty file has come as soon as it is begun.
                    if new.length == Some(0) { COMPLETE } else { RECEIVING }.into(),
                    new.metadata.into(),
                    now.into(),
                    new.expires_at.timestamp_millis().into(),
                ],
            )
            .await
        })
        .await?;
        self.any_upload(&id).await
    }

    /// One upload of this user. Another's is not there for them, nor one whose time is over.
    pub async fn upload(&self, id: &str, user_id: i64) -> Result<Upload> {
        let upload = self.any_upload(id).await?;
        if upload.user_id == user_id && upload.expires_at > self.clock().now() {
            Ok(upload)
        } else {
            Err(not_found())
        }
    }

    /// One upload, whosever it is: for the program's own work.
    pub async fn any_upload(&self, id: &str) -> Result<Upload> {
        let row: Option<UploadRow> = sql::one(
            &self.db,
            &format!("SELECT {COLUMNS} FROM uploads WHERE id = $1"),
            vec![id.into()],
        )
        .await?;
        row.ok_or_else(not_found)?.into_upload()
    }

    /// A page of a user's uploads, newest first.
    pub async fn uploads_of(&self, user_id: i64, page: PageRequest) -> Result<Page<Upload>> {
        let total = sql::number(
            &self.db,
            "SELECT COUNT(*) FROM uploads WHERE user_id = $1 AND expires_at > $2",
            vec![user_id.into(), self.now_ms().into()],
        )
        .await?;
        let rows: Vec<UploadRow> = sql::all(
            &self.db,
            &format!(
                "SELECT {COLUMNS} FROM uploads WHERE user_id = $1 AND expires_at > $4
                 ORDER BY id DESC LIMIT $2 OFFSET $3"
            ),
            vec![
                user_id.into(),
                sql::signed(page.size).into(),
                sql::signed(page.offset()).into(),
                self.now_ms().into(),
            ],
        )
        .await?;
        let items = rows
            .into_iter()
            .map(UploadRow::into_upload)
            .collect::<Result<_>>()?;
        Ok(Page::new(items, sql::unsigned(total), page))
    }

    /// These stretches are stored now; the first of them begins where the upload ends. With the last byte it is complete.
    /// False when the upload is not there any more (another request was faster), is complete or gone: then nothing was
    /// written.
    pub async fn advance_upload(
        &self,
        id: &str,
        stretches: &[UploadStretch],
        expires_at: Timestamp,
    ) -> Result<bool> {
        let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else {
            return Ok(true);
        };
        let (from, to) = (first.start, last.start + last.size);
        let now = self.now_ms();
        self.write(async |tx| {
            let touched = sql::run(
                tx,
                "UPDATE uploads SET received = $3, updated_at = $4, expires_at = $5,
                    status = CASE WHEN length = $3 THEN 'complete' ELSE status END
                 WHERE id = $1 AND received = $2 AND status = 'receiving' AND (length IS NULL OR length >= $3)",
                vec![
                    id.into(),
                    sql::signed(from).into(),
                    sql::signed(to).into(),
                    now.into(),
                    expires_at.timestamp_millis().into(),
                ],
            )
            .await?;
            if touched == 0 {
                return Ok(false);
            }
            for stretch in stretches {
                sql::run(
                    tx,
                    "INSERT INTO upload_stretches (upload_id, start, size, name) VALUES ($1, $2, $3, $4)",
                    vec![
                        id.into(),
                        sql::signed(stretch.start).into(),
                        sql::signed(stretch.size).into(),
                        stretch.name.clone().into(),
                    ],
                )
                .await?;
            }
            Ok(true)
        })
        .await
    }

    /// The stored stretches of an upload, in the order of their bytes.
    pub async fn upload_stretches(&self, id: &str) -> Result<Vec<UploadStretch>> {
        #[derive(FromQueryResult)]
        struct Row {
            start: i64,
            size: i64,
            name: String,
        }
        let rows: Vec<Row> = sql::all(
            &self.db,
            "SELECT start, size, name FROM upload_stretches WHERE upload_id = $1 ORDER BY start",
            vec![id.into()],
        )
        .await?;
        let stretches = rows.into_iter().map(|row| UploadStretch {
            start: sql::unsigned(row.start),
            size: sql::unsigned(row.size),
            name: row.name,
        });
        Ok(stretches.collect())
    }

    /// The sender says how long it will be (tus `Upload-Defer-Length`). False when that was said before, or more is
    /// there already.
    pub async fn set_upload_length(&self, id: &str, length: u64) -> Result<bool> {
        let touched = self
            .write(async |tx| {
                sql::run(
                    tx,
                    "UPDATE uploads SET length = $2, status = CASE WHEN received = $2 THEN 'complete' ELSE status END
                     WHERE id = $1 AND length IS NULL AND received <= $2",
                    vec![id.into(), sql::signed(length).into()],
                )
                .await
            })
            .await?;
        Ok(touched > 0)
    }

    /// Keeps what is inside, so that it is read once.
    pub async fn set_upload_contents(&self, id: &str, contents: &Json) -> Result<()> {
        let contents = contents.to_string();
        self.write(async |tx| {
            sql::run(
                tx,
                "UPDATE uploads SET contents = $2 WHERE id = $1",
                vec![id.into(), contents.into()],
            )
            .await
        })
        .await?;
        Ok(())
    }

    /// Uploads whose time is over and that no waiting or running import needs.
    pub async fn expired_uploads(&self) -> Result<Vec<Upload>> {
        let rows: Vec<UploadRow> = sql::all(
            &self.db,
            &format!(
                "SELECT {COLUMNS} FROM uploads u WHERE u.expires_at <= $1 AND NOT EXISTS (
                    SELECT 1 FROM operations o WHERE {NEEDS_UPLOAD})
                 ORDER BY u.id LIMIT 500"
            ),
            vec![self.now_ms().into()],
        )
        .await?;
        rows.into_iter().map(UploadRow::into_upload).collect()
    }

    /// Whether a waiting or running import needs it.
    pub async fn upload_in_use(&self, id: &str) -> Result<bool> {
        let uses = sql::number(
            &self.db,
            &format!("SELECT COUNT(*) FROM uploads u, operations o WHERE u.id = $1 AND {NEEDS_UPLOAD}"),
            vec![id.into()],
        )
        .await?;
        Ok(uses > 0)
    }

    /// Bytes that unfinished uploads have announced and not sent yet: room that is promised already.
    pub async fn awaited_upload_bytes(&self) -> Result<u64> {
        let bytes = sql::number(
            &self.db,
            "SELECT CAST(COALESCE(SUM(length - received), 0) AS BIGINT) FROM uploads
             WHERE status = 'receiving' AND length IS NOT NULL AND expires_at > $1",
            vec![self.now_ms().into()],
        )
        .await?;
        Ok(sql::unsigned(bytes))
    }

    /// Forgets an upload; its bytes are the caller's to remove. False when it was gone already.
    pub async fn delete_upload(&self, id: &str) -> Result<bool> {
        let gone = self
            .write(async |tx| sql::run(tx, "DELETE FROM uploads WHERE id = $1", vec![id.into()]).await)
            .await?;
        Ok(gone > 0)
    }
}

fn not_found() -> StoreError {
    StoreError::Refused(Failure::new(ErrorCode::NotFound, "There is no such upload."))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use imagefleet_model::{Clock as _, PageRequest};
    use serde_json::json;

    use super::{NewUpload, UploadStretch, new_upload_id};
    use crate::testing::{self, TestStore};

    async fn begun(at: &TestStore, length: Option<u64>) -> String {
        let id = new_upload_id();
        let new = NewUpload {
            location: format!("uploads/{id}"),
            id,
            user_id: 1,
            file_name: "a.tar".to_owned(),
            length,
            metadata: "filename YS50YXI=".to_owned(),
            expires_at: at.clock.now() + Duration::from_mins(1),
        };
        at.store.create_upload(new).await.expect("begun").id
    }

    fn stretch(start: u64, end: u64) -> UploadStretch {
        UploadStretch {
            start,
            size: end - start,
            name: format!("{start}-x"),
        }
    }

    #[tokio::test]
    async fn only_one_of_two_requests_at_the_same_offset_counts() {
        for at in testing::stores().await {
            let id = begun(&at, Some(10)).await;
            let later = at.clock.now() + Duration::from_secs(90);
            let advance = async |stretches: &[UploadStretch]| {
                let advanced = at.store.advance_upload(&id, stretches, later).await;
                advanced.expect("asked")
            };
            assert!(advance(&[stretch(0, 4)]).await);
            assert!(!advance(&[stretch(0, 6)]).await);
            assert!(!advance(&[stretch(4, 11)]).await, "past the end");
            assert_eq!(at.store.awaited_upload_bytes().await.expect("summed"), 6);
            assert!(!at.store.any_upload(&id).await.expect("read").complete);
            assert!(advance(&[stretch(4, 7), stretch(7, 10)]).await);
            assert!(!advance(&[stretch(10, 10)]).await, "it is complete");
            at.store
                .set_upload_contents(&id, &json!({"images": []}))
                .await
                .expect("kept");
            let upload = at.store.upload(&id, 1).await.expect("read");
            assert!(
                upload.complete && upload.received == 10 && upload.contents == Some(json!({"images": []}))
            );
            assert_eq!(at.store.awaited_upload_bytes().await.expect("summed"), 0);
            assert_eq!(
                at.store.upload_stretches(&id).await.expect("read"),
                [stretch(0, 4), stretch(4, 7), stretch(7, 10)]
            );
            assert!(!at.store.upload_in_use(&id).await.expect("asked"));
            assert!(at.store.delete_upload(&id).await.expect("gone"));
            assert_eq!(at.store.upload_stretches(&id).await.expect("read"), []);
        }
    }

    #[tokio::test]
    async fn it_is_its_users_alone_and_ends() {
        for at in testing::stores().await {
            let id = begun(&at, None).await;
            assert!(at.store.upload(&id, 2).await.is_err());
            assert!(!at.store.any_upload(&id).await.expect("read").complete);
            assert!(at.store.set_upload_length(&id, 0).await.expect("asked"));
            assert!(!at.store.set_upload_length(&id, 5).await.expect("asked"));
            assert!(
                at.store.any_upload(&id).await.expect("read").complete,
                "an empty file is complete at once"
            );
            for (user, uploads) in [(1, 1), (2, 0)] {
                let page = at.store.uploads_of(user, PageRequest::default()).await;
                assert_eq!(page.expect("listed").total, uploads);
            }
            assert!(at.store.expired_uploads().await.expect("asked").is_empty());
            at.pass(61);
            let expired = at.store.expired_uploads().await.expect("asked");
            assert!(at.store.upload(&id, 1).await.is_err(), "its time is over");
            let listed = at.store.uploads_of(1, PageRequest::default()).await;
            assert_eq!(listed.expect("listed").total, 0);
            assert_eq!(
                expired
                    .iter()
                    .map(|upload| upload.id.as_str())
                    .collect::<Vec<_>>(),
                [id.as_str()]
            );
            assert!(at.store.delete_upload(&id).await.expect("gone"));
            assert!(
                !at.store.delete_upload(&id).await.expect("asked") && at.store.any_upload(&id).await.is_err()
            );
        }
    }
}
