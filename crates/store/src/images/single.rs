use imagefleet_model::{Image, ImageId, ServerId};
use sea_orm::Value;

use super::row::{self, COLUMNS, ImageRow, TABLES};
use crate::{Result, Store, sql};

impl Store {
    /// One image.
    pub async fn image(&self, id: ImageId) -> Result<Option<Image>> {
        self.image_where("i.id = $1", vec![id.into()]).await
    }

    /// The image of that familiar full name (or engine id, when untagged) on that server.
    pub async fn image_by_name(&self, server_id: ServerId, full_name: &str) -> Result<Option<Image>> {
        self.image_where(
            "i.server_id = $1 AND r.full_name = $2",
            vec![server_id.into(), full_name.into()],
        )
        .await
    }

    /// Those of `ids` that are there, in their order.
    pub async fn images_by_ids(&self, ids: &[ImageId]) -> Result<Vec<Image>> {
        let mut images = Vec::with_capacity(ids.len());
        for chunk in sql::chunks(ids) {
            let rows: Vec<ImageRow> = sql::all(
                &self.db,
                &format!(
                    "SELECT {COLUMNS} FROM {TABLES} WHERE i.id IN ({})",
                    sql::placeholders(0, chunk.len())
                ),
                chunk.iter().map(|id| (*id).into()).collect(),
            )
            .await?;
            images.extend(row::images(&self.db, rows).await?);
        }
        let order: std::collections::HashMap<ImageId, usize> =
            ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        images.sort_by_key(|image| order.get(&image.id).copied());
        Ok(images)
    }

    /// Every image whose content the server holds, by name: what an export of the whole server takes.
    pub async fn images_of_server(&self, server_id: ServerId) -> Result<Vec<Image>> {
        let rows: Vec<ImageRow> = sql::all(
            &self.db,
            &format!(
                "SELECT {COLUMNS} FROM {TABLES} WHERE i.server_id = $1 AND i.engine_id <> '' ORDER BY r.full_name"
            ),
            vec![server_id.into()],
        )
        .await?;
        row::images(&self.db, rows).await
    }

    async fn image_where(&self, condition: &str, values: Vec<Value>) -> Result<Option<Image>> {
        let query = format!("SELECT {COLUMNS} FROM {TABLES} WHERE {condition} ORDER BY i.id LIMIT 1");
        let rows: Vec<ImageRow> = sql::all(&self.db, &query, values).await?;
        Ok(row::images(&self.db, rows).await?.pop())
    }
}
