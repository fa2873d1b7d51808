use imagefleet_model::{ErrorCode, Failure, ImageStatus, ServerId};
use sea_orm::FromQueryResult;

use super::read::not_found;
use crate::inventory::{Counting, take_turn};
use crate::{Result, Store, StoreError, sql};

#[derive(FromQueryResult)]
struct Held {
    reference_id: i64,
    status: String,
    in_use: bool,
}

impl Store {
    /// Forgets a server with its images and containers; nothing on its engine is touched. Refused while operations
    /// wait or run there, unless `force`: their steps fail then.
    pub async fn delete_server(&self, id: ServerId, force: bool) -> Result<()> {
        self.write(async |tx| {
            take_turn(tx).await?;
            let busy = sql::number(
                tx,
                "SELECT COUNT(*) FROM operation_steps WHERE server_id = $1 AND status IN ('queued', 'running')",
                vec![id.into()],
            )
            .await?;
            if busy > 0 && !force {
                return Err(StoreError::Refused(Failure::new(
                    ErrorCode::Conflict,
                    "Operations wait or run on this server. Cancel them first, or remove the server with force.",
                )));
            }
            let held: Vec<Held> = sql::all(
                tx,
                "SELECT reference_id, status, in_use FROM images WHERE server_id = $1",
                vec![id.into()],
            )
            .await?;
            let mut counting = Counting::default();
            for image in held {
                let status = ImageStatus::from_word(&image.status)
                    .ok_or_else(|| StoreError::Unreadable(format!("image status {}", image.status)))?;
                counting.gone(image.reference_id, status, image.in_use);
            }
            sql::run(tx, "DELETE FROM images WHERE server_id = $1", vec![id.into()]).await?;
            counting.store(tx, id).await?;
            let gone = sql::run(tx, "DELETE FROM servers WHERE id = $1", vec![id.into()]).await?;
            if gone == 0 { Err(not_found(id)) } else { Ok(()) }
        })
        .await
    }
}
