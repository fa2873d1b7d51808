use imagefleet_model::{ErrorCode, ErrorInfo, Failure, Image, ImageId, ImageRef, ImageStatus, ServerId};
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::inventory::{Counting, ReferenceName, reference_id, take_turn};
use crate::{Result, Store, StoreError, software, sql};

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    server_id: i64,
    reference_id: i64,
    engine_id: String,
    status: String,
    error: Option<String>,
    in_use: bool,
}

#[derive(FromQueryResult)]
struct Found {
    id: i64,
}

/// Rows in between that no unfinished step works on. `<> 'AVAILABLE'` are the words of the index that knows these
/// alone: without them every image is read, at the start and again and again after it.
const STALE: &str = "FROM images i WHERE i.status <> 'AVAILABLE' AND i.status IN ('PULLING', 'DELETING') \
    AND NOT EXISTS (SELECT 1 FROM operation_steps p \
     WHERE p.server_id = i.server_id AND p.status IN ('queued', 'running') AND p.image_id = i.id)";
/// Those of them whose latest step was cancelled, or went well.
const WITHOUT_FAILURE: &str = "(SELECT p.status FROM operation_steps p \
    WHERE p.server_id = i.server_id AND p.image_id = i.id ORDER BY p.id DESC LIMIT 1) IN ('cancelled', 'succeeded')";

impl Row {
    fn status(&self) -> ImageStatus {
        ImageStatus::from_word(&self.status).unwrap_or(ImageStatus::Available)
    }
}

impl Store {
    /// Marks the image as being pulled; its row is written when the server has none yet. `software_id` is the catalogue entry that
    /// whoever pulls it says it is; without one its repository tells.
    pub async fn begin_pull(
        &self,
        server_id: ServerId,
        reference: &ImageRef,
        software_id: Option<i64>,
    ) -> Result<Image> {
        let now = self.now_ms();
        let full_name = reference.to_string();
        let repository = reference.repository();
        self.write(async |tx| {
            take_turn(tx).await?;
            let servers = sql::number(
                tx,
                "SELECT COUNT(*) FROM servers WHERE id = $1",
                vec![server_id.into()],
            );
            if servers.await? == 0 {
                return Err(StoreError::Refused(Failure::new(
                    ErrorCode::ServerNotFound,
                    "The server is no longer registered.",
                )));
            }
            let name = ReferenceName {
                full_name: &full_name,
                repository: &repository,
                tag: reference.tag().filter(|_| reference.digest().is_none()),
            };
            let reference_id = reference_id(tx, name).await?;
            if let Some(software_id) = software_id {
                software::choose(tx, reference_id, software_id).await?;
            }
            let row: Option<Row> = sql::one(
                tx,
                "SELECT id, server_id, reference_id, engine_id, status, error, in_use FROM images \
                 WHERE server_id = $1 AND reference_id = $2",
                vec![server_id.into(), reference_id.into()],
            )
            .await?;
            if let Some(row) = row {
                return change(tx, &row, ImageStatus::Pulling, None, now).await;
            }
            sql::run(
                tx,
                "INSERT INTO images (server_id, reference_id, status, first_seen_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $4)",
                vec![
                    server_id.into(),
                    reference_id.into(),
                    ImageStatus::Pulling.as_str().into(),
                    now.into(),
                ],
            )
            .await?;
            let mut counting = Counting::default();
            counting.come(reference_id, ImageStatus::Pulling, false);
            counting.store(tx, server_id).await
        })
        .await?;
        let image = self.image_by_name(server_id, &full_name).await?;
        image.ok_or_else(|| StoreError::Unreadable("a pulled image's row vanished".to_owned()))
    }

    /// The pull has ended, and did not fail: the row that shows what was pulled, if there is one.
    ///
    /// A pull by digest leaves no name, and the inventory has what it brought, the engine's `content`, in a row of that engine id. If
    /// that row came with the pull it goes on as the pull's, which is known to whoever asked for it; else the pull's goes.
    pub async fn end_pull(&self, id: ImageId, content: Option<&str>) -> Result<Option<ImageId>> {
        let now = self.now_ms();
        self.write(async |tx| {
            take_turn(tx).await?;
            let Some(row) = find(tx, id).await? else {
                return Ok(None);
            };
            let holder = match content {
                Some(content) if row.engine_id.is_empty() => holder(tx, &row, content).await?,
                _ => None,
            };
            leave(tx, &row, now).await?;
            if !row.engine_id.is_empty() {
                return Ok(Some(id));
            }
            let Some(holder) = holder.filter(|holder| *holder > id) else {
                return Ok(holder);
            };
            let rename = "UPDATE images SET id = $1 WHERE id = $2";
            sql::run(tx, rename, vec![id.into(), holder.into()]).await?;
            Ok(Some(id))
        })
        .await
    }

    /// The pull failed: the row stays, with what the server held before.
    pub async fn pull_failed(&self, id: ImageId, error: &ErrorInfo) -> Result<()> {
        self.set_image_status(id, ImageStatus::PullFailed, Some(error))
            .await
    }

    /// Sets an image's status and its reason. A row that is gone meanwhile stays gone.
    pub async fn set_image_status(
        &self,
        id: ImageId,
        status: ImageStatus,
        error: Option<&ErrorInfo>,
    ) -> Result<()> {
        self.change_image(id, async |tx, row, now| {
            change(tx, &row, status, error, now).await
        })
        .await
        .map(|_| ())
    }

    /// Removes the row of an image that the engine no longer has; whether it was there.
    pub async fn remove_image_row(&self, id: ImageId) -> Result<bool> {
        self.change_image(id, async |tx, row, _| remove(tx, &row).await)
            .await
    }

    /// Rows `PULLING` or `DELETING` that no unfinished step works on, and that have stood so for `grace_ms` (a step may
    /// be on its way): after a crash, a cancelled wait, or a request that broke off before its operation was stored.
    /// What was cancelled is as before; the rest becomes a failure that says so. How many were put right.
    pub async fn put_right_stale_statuses(&self, grace_ms: i64) -> Result<u64> {
        let before = self.now_ms() - grace_ms;
        self.put_right(&format!("i.updated_at <= {before}")).await
    }

    /// The same for one row: it was marked for a step that followed one which had put the row right already.
    pub async fn put_right_stale_status(&self, image: ImageId) -> Result<u64> {
        self.put_right(&format!("i.id = {image}")).await
    }

    async fn put_right(&self, which: &str) -> Result<u64> {
        let now = self.now_ms();
        let query = format!("SELECT COUNT(*) {STALE} AND {which}");
        if sql::number(&self.db, &query, vec![]).await? == 0 {
            return Ok(0);
        }
        let interrupted = Failure::new(ErrorCode::Interrupted, "It was interrupted in the middle.").info();
        self.write(async |tx| {
            take_turn(tx).await?;
            let columns = "i.id, i.server_id, i.reference_id, i.engine_id, i.status, i.error, i.in_use";
            let query = format!("SELECT {columns} {STALE} AND {which}");
            let rows: Vec<Row> = sql::all(tx, &query, vec![]).await?;
            let query = format!("SELECT i.id {STALE} AND {which} AND {WITHOUT_FAILURE}");
            let unharmed: Vec<Found> = sql::all(tx, &query, vec![]).await?;
            for row in &rows {
                let unharmed = unharmed.iter().any(|stale| stale.id == row.id);
                match (row.status(), unharmed) {
                    (ImageStatus::Pulling, true) => leave(tx, row, now).await?,
                    (_, true) => change(tx, row, ImageStatus::Available, None, now).await?,
                    (ImageStatus::Pulling, false) => {
                        change(tx, row, ImageStatus::PullFailed, Some(&interrupted), now).await?;
                    }
                    (_, false) => {
                        change(tx, row, ImageStatus::DeleteFailed, Some(&interrupted), now).await?;
                    }
                }
            }
            Ok(rows.len() as u64)
        })
        .await
    }

    /// Changes one row in a transaction; whether it was there.
    async fn change_image<F>(&self, id: ImageId, work: F) -> Result<bool>
    where
        F: AsyncFnOnce(&sea_orm::DatabaseTransaction, Row, i64) -> Result<()>,
    {
        let now = self.now_ms();
        self.write(async |tx| {
            take_turn(tx).await?;
            match find(tx, id).await? {
                Some(row) => work(tx, row, now).await.map(|()| true),
                None => Ok(false),
            }
        })
        .await
    }
}

async fn find(tx: &impl ConnectionTrait, id: ImageId) -> Result<Option<Row>> {
    sql::one(
        tx,
        "SELECT id, server_id, reference_id, engine_id, status, error, in_use FROM images WHERE id = $1",
        vec![id.into()],
    )
    .await
}

/// The row on the same server that has this content, one of the same repository first.
async fn holder(tx: &impl ConnectionTrait, row: &Row, content: &str) -> Result<Option<ImageId>> {
    let found: Option<Found> = sql::one(
        tx,
        "SELECT i.id FROM images i JOIN image_references r ON r.id = i.reference_id \
         WHERE i.server_id = $1 AND i.engine_id = $2 \
         ORDER BY CASE WHEN r.repository = (SELECT p.repository FROM image_references p WHERE p.id = $3) \
          THEN 0 ELSE 1 END, i.id LIMIT 1",
        vec![row.server_id.into(), content.into(), row.reference_id.into()],
    )
    .await?;
    Ok(found.map(|found| found.id))
}

/// A row that is no longer being pulled, without a failure: it goes when it has no content.
async fn leave(tx: &impl ConnectionTrait, row: &Row, now: i64) -> Result<()> {
    if row.engine_id.is_empty() {
        remove(tx, row).await
    } else {
        change(tx, row, ImageStatus::Available, None, now).await
    }
}

async fn change(
    tx: &impl ConnectionTrait,
    row: &Row,
    status: ImageStatus,
    error: Option<&ErrorInfo>,
    now: i64,
) -> Result<()> {
    let error = sql::error_json(error)?;
    if row.status() == status && row.error == error {
        return Ok(());
    }
    sql::run(
        tx,
        "UPDATE images SET status = $1, error = $2, updated_at = $3 WHERE id = $4",
        vec![status.as_str().into(), error.into(), now.into(), row.id.into()],
    )
    .await?;
    let mut counting = Counting::default();
    counting.gone(row.reference_id, row.status(), row.in_use);
    counting.come(row.reference_id, status, row.in_use);
    counting.store(tx, row.server_id).await
}

async fn remove(tx: &impl ConnectionTrait, row: &Row) -> Result<()> {
    sql::run(tx, "DELETE FROM images WHERE id = $1", vec![row.id.into()]).await?;
    let mut counting = Counting::default();
    counting.gone(row.reference_id, row.status(), row.in_use);
    counting.store(tx, row.server_id).await
}

#[cfg(test)]
mod tests {
    use sea_orm::FromQueryResult;

    use super::STALE;
    use crate::{sql, testing};

    #[derive(FromQueryResult)]
    struct Step {
        detail: String,
    }

    /// It is asked at the start and again and again after it: by the index of the few that are not available, and not
    /// by a look at every image.
    #[tokio::test]
    async fn stale_statuses_are_looked_for_in_their_index() {
        let test = testing::sqlite().await;
        for which in ["i.updated_at <= 1", "i.id = 1"] {
            let query = format!("EXPLAIN QUERY PLAN SELECT COUNT(*) {STALE} AND {which}");
            let plan: Vec<Step> = sql::all(&test.store.db, &query, vec![]).await.expect("a plan");
            let images = &plan[0].detail;
            let by_index = images.contains("images_status") || images.contains("PRIMARY KEY");
            assert!(by_index, "{which}: {images}");
        }
    }
}
