use futures_util::{StreamExt as _, stream};
use imagefleet_archive::{Held, chain_ids};
use imagefleet_engine::{Engine, ImageDetail, StoredContent};
use imagefleet_model::{Failure, ImageStore};

/// How many images of a target are asked about at once.
const INSPECTIONS: usize = 8;

/// Which layers of `image` an engine holds already, as far as its API tells.
///
/// A classic store is certain: it finds a layer by its chain id, and every image names its layers. A containerd store
/// finds blobs by digest and its API names none. What was loaded keeps its layers plain, under their diff ids; what was
/// pulled keeps them compressed, which shows in the figures of its content, roughly. So this is a guess, and the caller
/// has to see afterwards whether everything is there; an engine that cannot tell that (before API 1.48) gets everything.
/// So do Podman and unknown stores.
pub async fn held_by(engine: &dyn Engine, store: ImageStore, image: &ImageDetail) -> Result<Held, Failure> {
    let mut held = Held::default();
    if store == ImageStore::Podman {
        return Ok(held);
    }
    let base = image.diff_ids.first();
    let listed = engine.images().await?;
    let mut details = stream::iter(listed)
        .map(|listed| async move { engine.image(&listed.id).await })
        .buffer_unordered(INSPECTIONS);
    while let Some(detail) = details.next().await {
        // One that vanished meanwhile holds nothing.
        let Ok(detail) = detail else { continue };
        match store {
            // Chains that begin otherwise have no layer in common.
            ImageStore::Classic if detail.diff_ids.first() == base => {
                held.chain_ids.extend(chain_ids(&detail.diff_ids));
            }
            ImageStore::Containerd if detail.content.is_some_and(is_plain) => {
                held.blobs.extend(detail.diff_ids);
            }
            ImageStore::Classic | ImageStore::Containerd | ImageStore::Podman => {}
        }
    }
    Ok(held)
}

/// Whether an image's layers are probably stored as plain tars: about as large as what they were unpacked to, which
/// fills whole blocks.
fn is_plain(content: StoredContent) -> bool {
    content.complete && content.stored.saturating_mul(5) >= content.unpacked.saturating_mul(3)
}
