use imagefleet_model::{Access, ServerId, Verb};
use sea_orm::{FromQueryResult, Value};

use crate::{Result, Store, scope, sql};

/// A server's image that may be what somebody asks about.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Holder {
    /// On which server.
    pub server_id: ServerId,
    /// The familiar form, or the engine id when untagged.
    pub full_name: String,
    /// The engine's id.
    pub engine_id: String,
    /// [Equal](crate::content_fingerprint) for equal content in every store, when known.
    pub fingerprint: Option<String>,
}

impl Store {
    /// Images that this caller may see with one of these full names or one of these fingerprints.
    pub async fn holders(
        &self,
        full_names: &[String],
        fingerprints: &[String],
        access: &Access,
    ) -> Result<Vec<Holder>> {
        let mut found: Vec<Holder> = Vec::new();
        for (condition, wanted) in [
            ("r.full_name IN", full_names),
            // There are far fewer contents than images that have them.
            (
                "i.engine_id IN (SELECT engine_id FROM image_contents WHERE fingerprint IN",
                fingerprints,
            ),
        ] {
            let close = if condition.contains('(') { ")" } else { "" };
            for chunk in sql::chunks(wanted) {
                let mut values: Vec<Value> = chunk.iter().map(|text| text.as_str().into()).collect();
                let wanted = sql::placeholders(0, chunk.len());
                let seen = scope::condition(
                    access,
                    Verb::ImageView,
                    "i.server_id",
                    "r.repository",
                    &mut values,
                );
                let seen = seen.unwrap_or_else(|| "1 = 1".to_owned());
                let rows: Vec<Holder> = sql::all(
                    &self.db,
                    &format!(
                        "SELECT i.server_id, r.full_name, i.engine_id, i.fingerprint
                         FROM images i JOIN image_references r ON r.id = i.reference_id
                         WHERE {condition} ({wanted}){close} AND i.engine_id <> '' AND {seen}"
                    ),
                    values,
                )
                .await?;
                found.extend(rows);
            }
        }
        Ok(found)
    }
}
