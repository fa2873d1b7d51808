//! Uploads: the tus 1.0 protocol (<https://tus.io/protocols/resumable-upload>) with its extensions creation,
//! creation-with-upload, creation-defer-length, termination, checksum and expiration; and what is inside an archive
//! that has come.

pub mod archive;
pub mod contents;
pub mod create;
pub mod delete;
pub mod head;
pub mod list;
pub mod options;
pub mod patch;
pub mod post;
pub mod read;
mod tus;
mod view;

pub use tus::resumable;
pub use view::UploadView;

use axum::body::Body;
use futures_util::StreamExt as _;
use imagefleet_archive::ByteStream;
use imagefleet_model::{ErrorCode, Failure, Verb};
use imagefleet_store::Upload;

use crate::extract::{Caller, Target};
use crate::{AppState, Problem};

/// The caller's own upload of that id; another's is not there.
pub async fn require(state: &AppState, caller: &Caller, id: &str) -> Result<Upload, Problem> {
    caller.require(Verb::ImageImport, Target::Anything)?;
    Ok(state.store.upload(id, caller.user_id).await?)
}

/// A body as it comes. A connection that breaks is a failure of the stream.
pub fn stream(body: Body) -> ByteStream {
    body.into_data_stream()
        .map(|chunk| {
            chunk.map_err(|error| {
                Failure::new(
                    ErrorCode::UploadIncomplete,
                    format!("The connection broke: {error}"),
                )
            })
        })
        .boxed()
}
