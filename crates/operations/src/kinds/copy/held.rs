use futures_util::{StreamExt as _, stream};
use imagefleet_archive::{Held, chain_ids};
use imagefleet_engine::{Engine, ImageDetail};
use imagefleet_model::{Failure, ImageStore};

/// How many images of a target are asked about at once.
const INSPECTIONS: usize = 8;

/// Which layers of `image` an engine holds already, as far as its API tells.
///
/// A classic store is certain: it finds a layer by its chain id, and every image names its layers. A containerd store
/// finds blobs by digest and its API names none; what was loaded (and not pulled) keeps its layers plain, under their
/// diff ids, so those of images without a repository digest are taken as held, and the caller has to be ready for "not
/// found". Podman and unknown stores get everything.
pub async fn held_by(engine: &dyn Engine, store: ImageStore, image: &ImageDetail) -> Result<Held, Failure> {
    let mut held = Held::default();
    if store == ImageStore::Podman {
        return Ok(held);
    }
    let base = image.diff_ids.first();
    let mut listed = engine.images().await?;
    listed.retain(|image| store == ImageStore::Classic || image.repo_digests.is_empty());
    let mut details = stream::iter(listed)
        .map(|listed| async move { engine.image(&listed.id).await })
        .buffer_unordered(INSPECTIONS);
    while let Some(detail) = details.next().await {
        // One that vanished meanwhile holds nothing.
        let Ok(detail) = detail else { continue };
        match store {
            // Chains that begin otherwise have no layer in common.
            ImageStore::Classic if detail.diff_ids.first() == base => {
                held.chain_ids.extend(chain_ids(&detail.diff_ids))
            }
            ImageStore::Containerd => held.blobs.extend(detail.diff_ids),
            ImageStore::Classic | ImageStore::Podman => {}
        }
    }
    Ok(held)
}
