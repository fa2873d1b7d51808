use imagefleet_model::Failure;
use imagefleet_store::{NewUpload, Upload, new_upload_id};

use super::expires_at;
use crate::Deps;

/// An upload to be begun.
#[derive(Debug, Clone)]
pub struct Begin {
    /// Whose it is.
    pub user_id: i64,
    /// The file's name as its sender knows it, with or without folders.
    pub file_name: Option<String>,
    /// Bytes in all, when known.
    pub length: Option<u64>,
    /// The sender's own words.
    pub metadata: String,
}

/// The sender of an upload says at last how long it will be: as much room is needed as if it had been said at once.
pub async fn measure(deps: &Deps, upload: &Upload, length: u64) -> Result<bool, Failure> {
    require_room(deps, length.saturating_sub(upload.received)).await?;
    Ok(deps.store.set_upload_length(&upload.id, length).await?)
}

/// Room for so many bytes, beside what other uploads have announced.
async fn require_room(deps: &Deps, bytes: u64) -> Result<(), Failure> {
    let promised = deps.store.awaited_upload_bytes().await?;
    deps.archives.require_space(promised.saturating_add(bytes))
}

/// Begins an upload when there is room for it.
pub async fn begin(deps: &Deps, new: Begin) -> Result<Upload, Failure> {
    require_room(deps, new.length.unwrap_or_default()).await?;
    let id = new_upload_id();
    let upload = NewUpload {
        user_id: new.user_id,
        file_name: bare_name(new.file_name.as_deref().unwrap_or_default()),
        location: format!("uploads/{id}"),
        length: new.length,
        metadata: new.metadata,
        expires_at: expires_at(deps),
        id,
    };
    Ok(deps.store.create_upload(upload).await?)
}

/// The last part of a path, without what no name should have.
fn bare_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    match clean.trim() {
        "" | "." | ".." => "archive.tar".to_owned(),
        clean => clean.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::bare_name;

    #[test]
    fn names_lose_their_folders() {
        assert_eq!(bare_name("web.tar"), "web.tar");
        assert_eq!(bare_name("../../etc/镜像 1.tar.gz"), "镜像 1.tar.gz");
        assert_eq!(bare_name(r"C:\images\web.tar"), "web.tar");
        for nothing in ["", "/", "a/..", "\u{7}"] {
            assert_eq!(bare_name(nothing), "archive.tar", "{nothing:?}");
        }
    }
}
