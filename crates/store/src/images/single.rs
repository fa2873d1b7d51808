use std::collections::HashMap;

use imagefleet_model::{Image, ImageId, ServerId};
use sea_orm::Value;

use super::row;
use crate::{Result, Store, sql};

/// Images that are read in one go.
const AT_ONCE: usize = 1_000;

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
        for chunk in ids.chunks(AT_ONCE) {
            let condition = format!("i.id IN ({})", sql::numbers(chunk));
            let rows = row::read(&self.db, &condition, "", vec![]).await?;
            images.extend(row::images(&self.db, rows).await?);
        }
        let order: HashMap<ImageId, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        images.sort_by_key(|image| order.get(&image.id).copied());
        Ok(images)
    }

    /// The images of these references on these servers, in their order, as far as they are there.
    pub(super) async fn images_at(&self, places: &[(ServerId, i64)]) -> Result<Vec<Image>> {
        let mut rows = row::read_at(&self.db, places).await?;
        let order: HashMap<(ServerId, i64), usize> = places
            .iter()
            .enumerate()
            .map(|(at, place)| (*place, at))
            .collect();
        rows.sort_by_key(|row| order.get(&(row.server_id, row.reference_id)).copied());
        row::images(&self.db, rows).await
    }

    /// Every image whose content the server holds, by name: what an export of the whole server takes.
    pub async fn images_of_server(&self, server_id: ServerId) -> Result<Vec<Image>> {
        let condition = "i.server_id = $1 AND i.engine_id <> ''";
        let rows = row::read(&self.db, condition, "", vec![server_id.into()]).await?;
        let mut images = row::images(&self.db, rows).await?;
        images.sort_by(|one, other| one.full_name.cmp(&other.full_name));
        Ok(images)
    }

    async fn image_where(&self, condition: &str, values: Vec<Value>) -> Result<Option<Image>> {
        let rows = row::read(&self.db, condition, "ORDER BY i.id LIMIT 1", values).await?;
        Ok(row::images(&self.db, rows).await?.pop())
    }
}
