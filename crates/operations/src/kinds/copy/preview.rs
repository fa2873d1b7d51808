use imagefleet_archive::{SourceImage, TargetForm, TargetPlan};
use imagefleet_engine::{Engine, ImageDetail};
use imagefleet_model::{Failure, ImageStore};

use super::{held_by, same_content};
use crate::kinds::layer_sizes::layer_sizes;

/// What a copy to one target would send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Preview {
    /// Layers of the image.
    pub layers_total: u64,
    /// Layers that the target lacks.
    pub layers_to_send: u64,
    /// Bytes of all layers.
    pub bytes_total: u64,
    /// Bytes of those that the target lacks.
    pub bytes_to_send: u64,
    /// Whether the target has the image under this name already.
    pub present: bool,
}

/// An image as its own engine tells it, to be compared with many targets.
#[derive(Debug)]
pub struct Source {
    name: String,
    store: ImageStore,
    detail: ImageDetail,
    /// Bytes of each layer, base first.
    sizes: Vec<u64>,
}

impl Source {
    /// Asks the source's engine.
    pub async fn of(engine: &dyn Engine, name: &str) -> Result<Self, Failure> {
        let detail = engine.image(name).await?;
        // Podman 4 fails over an image whose history has no dates.
        let history = engine.history(name).await.unwrap_or_default();
        let sizes = layer_sizes(&detail, &history);
        Ok(Self {
            name: name.to_owned(),
            store: engine.info().await?.image_store,
            detail,
            sizes,
        })
    }

    /// Asks a target's engine what it lacks.
    pub async fn preview(&self, target: &dyn Engine) -> Result<Preview, Failure> {
        let all = Preview {
            layers_total: self.sizes.len() as u64,
            bytes_total: self.sizes.iter().sum(),
            ..Preview::default()
        };
        let info = target.info().await?;
        let there = target.image(&self.name).await;
        if there.is_ok_and(|there| same_content(&self.detail, &there, [self.store, info.image_store])) {
            return Ok(Preview { present: true, ..all });
        }
        let plan = TargetPlan {
            form: TargetForm::for_store(Some(info.image_store)),
            held: held_by(target, info.image_store, &self.detail).await?,
            ..TargetPlan::default()
        };
        let lacking = plan.lacks(&SourceImage::from_diff_ids(&self.detail.diff_ids));
        Ok(Preview {
            layers_to_send: lacking.len() as u64,
            bytes_to_send: lacking.iter().map(|at| self.sizes[*at]).sum(),
            ..all
        })
    }
}
