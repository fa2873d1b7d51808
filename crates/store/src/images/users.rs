use std::collections::HashMap;

use imagefleet_model::{Access, Image, Verb};
use sea_orm::FromQueryResult;

use crate::{Result, Store, sql};

/// What stands where the name of a container would.
const HIDDEN: &str = "(hidden)";

#[derive(FromQueryResult)]
struct User {
    server_id: i64,
    name: String,
    repository: String,
}

impl Store {
    /// Takes the names of containers out that this caller does not see: that an image is used is told all the same, or
    /// it would look safe to delete.
    pub async fn hide_users(&self, images: &mut [Image], access: &Access) -> Result<()> {
        let partly = |image: &Image| {
            !image.used_by.is_empty() && !access.on_whole_server(Verb::ImageView, image.server_id)
        };
        let mut servers: Vec<i64> = images
            .iter()
            .filter(|image| partly(image))
            .map(|image| image.server_id)
            .collect();
        servers.sort_unstable();
        servers.dedup();
        if servers.is_empty() {
            return Ok(());
        }
        let query = format!(
            "SELECT server_id, name, repository FROM containers WHERE server_id IN ({})",
            sql::numbers(&servers)
        );
        let users: Vec<User> = sql::all(&self.db, &query, vec![]).await?;
        let users: HashMap<(i64, &str), &str> = users
            .iter()
            .map(|user| ((user.server_id, user.name.as_str()), user.repository.as_str()))
            .collect();
        for image in images.iter_mut().filter(|image| partly(image)) {
            for name in &mut image.used_by {
                let seen = users
                    .get(&(image.server_id, name.as_str()))
                    .is_some_and(|repository| access.on_image(Verb::ImageView, image.server_id, repository));
                if !seen {
                    HIDDEN.clone_into(name);
                }
            }
        }
        Ok(())
    }
}
