//! Images: three views, one in full, and what can be done with them.

pub mod by_image;
pub mod by_server;
pub mod copy;
pub mod copy_preview;
pub mod delete;
pub mod delete_one;
mod detail;
pub mod export;
mod filter;
pub mod import;
pub mod list;
pub mod pull;
pub mod push;
pub mod read;
mod servers;
pub mod sync;
pub mod tag;

pub use servers::{find_servers, unique};

use imagefleet_model::{ErrorCode, Image, ImageId, Verb};

use crate::extract::{Caller, Target};
use crate::{AppState, Problem};

/// The image of that id, when the caller holds `verb` on it; one that the caller may not see is not there.
pub async fn require(state: &AppState, caller: &Caller, verb: Verb, id: ImageId) -> Result<Image, Problem> {
    let not_found = || {
        Problem::new(
            ErrorCode::ImageNotFound,
            format!("There is no image with the id {id}."),
        )
    };
    let image = state.store.image(id).await?.ok_or_else(not_found)?;
    if !caller.may(Verb::ImageView, Target::Image(image.server_id, &image.repository)) {
        return Err(not_found());
    }
    caller.require(verb, Target::Image(image.server_id, &image.repository))?;
    Ok(image)
}
