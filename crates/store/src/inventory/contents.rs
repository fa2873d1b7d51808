use imagefleet_model::Timestamp;
use sea_orm::FromQueryResult;
use sha2::{Digest as _, Sha256};

use crate::{Result, Store, sql};

/// What an engine id means: asked of an engine once, true on every server, since ids are content addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageContent {
    /// The engine's id.
    pub engine_id: String,
    /// `os/arch[/variant]`.
    pub platform: Option<String>,
    /// [`content_fingerprint`], when the engine told the layers.
    pub fingerprint: Option<String>,
    /// When it was built.
    pub created_at: Option<Timestamp>,
}

/// The same for the same content in every kind of image store, whose ids differ: SHA-256 over platform, time of
/// building and diff ids (OCI image configuration, `rootfs.diff_ids`). `None` without layers.
#[must_use]
pub fn content_fingerprint(
    platform: &str,
    created_at: Option<Timestamp>,
    diff_ids: &[String],
) -> Option<String> {
    if diff_ids.is_empty() {
        return None;
    }
    let mut hash = Sha256::new();
    hash.update(platform);
    hash.update([0]);
    // Engines round the time differently below the second.
    hash.update(created_at.map_or(0, |at| at.timestamp()).to_be_bytes());
    for diff_id in diff_ids {
        hash.update([0]);
        hash.update(diff_id);
    }
    Some(hex::encode(hash.finalize()))
}

impl Store {
    /// Which of these engine ids have never been looked into; each once, in order.
    pub async fn unknown_contents(&self, engine_ids: &[String]) -> Result<Vec<String>> {
        #[derive(FromQueryResult)]
        struct Unknown {
            value: String,
        }
        let query = format!(
            "SELECT DISTINCT w.value FROM {} AS w \
             WHERE NOT EXISTS (SELECT 1 FROM image_contents c WHERE c.engine_id = w.value) ORDER BY w.value",
            sql::texts_of(&self.db, 1)
        );
        let unknown: Vec<Unknown> = sql::all(&self.db, &query, vec![sql::json(&engine_ids)?.into()]).await?;
        Ok(unknown.into_iter().map(|row| row.value).collect())
    }

    /// Remembers what engine ids mean, and tells it to the images that have them already.
    pub async fn remember_contents(&self, contents: &[ImageContent]) -> Result<()> {
        for chunk in sql::chunks(contents) {
            self.write(async |tx| {
                let mut values = Vec::new();
                let mut rows = Vec::new();
                for content in chunk {
                    rows.push(format!("({})", sql::placeholders(values.len(), 4)));
                    values.push(content.engine_id.as_str().into());
                    values.push(content.platform.clone().into());
                    values.push(content.fingerprint.clone().into());
                    values.push(content.created_at.map(|at| at.timestamp_millis()).into());
                }
                let insert = format!(
                    "INSERT INTO image_contents (engine_id, platform, fingerprint, created_at) VALUES {} \
                     ON CONFLICT (engine_id) DO UPDATE SET platform = excluded.platform, \
                     fingerprint = excluded.fingerprint, created_at = excluded.created_at",
                    rows.join(", ")
                );
                sql::run(tx, &insert, values).await?;
                let update = format!(
                    "UPDATE images SET platform = COALESCE(c.platform, images.platform), fingerprint = c.fingerprint, \
                     created_at = COALESCE(images.created_at, c.created_at) FROM image_contents c \
                     WHERE c.engine_id = images.engine_id AND images.fingerprint IS NULL AND images.engine_id IN ({})",
                    sql::placeholders(0, chunk.len())
                );
                let ids = chunk.iter().map(|content| content.engine_id.as_str().into());
                sql::run(tx, &update, ids.collect()).await?;
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Forgets what no server holds any more; how many.
    pub async fn forget_unused_contents(&self) -> Result<u64> {
        self.write(async |tx| {
            sql::run(
                tx,
                "DELETE FROM image_contents WHERE NOT EXISTS \
                 (SELECT 1 FROM images i WHERE i.engine_id = image_contents.engine_id)",
                vec![],
            )
            .await
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::content_fingerprint;

    #[test]
    fn a_fingerprint_is_of_content_alone() {
        let layers = ["sha256:a".to_owned(), "sha256:b".to_owned()];
        let at = DateTime::from_timestamp_millis(1_700_000_000_123);
        let rounded = DateTime::from_timestamp_millis(1_700_000_000_000);
        let one = content_fingerprint("linux/amd64", at, &layers);
        assert_eq!(one, content_fingerprint("linux/amd64", rounded, &layers));
        assert_ne!(one, content_fingerprint("linux/arm64", at, &layers));
        assert_ne!(one, content_fingerprint("linux/amd64", at, &layers[..1]));
        assert_ne!(
            one,
            content_fingerprint("linux/amd64", at, &["sha256:b".to_owned(), "sha256:a".to_owned()])
        );
        assert_eq!(content_fingerprint("linux/amd64", at, &[]), None);
    }
}
