use std::collections::HashMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use imagefleet_engine::{Engine, ImageDetail};
use imagefleet_model::Failure;

use crate::kinds::layer_sizes::layer_sizes;

/// How many images an engine is asked about at once.
const QUESTIONS: usize = 8;

/// Bytes that an archive of these images will have, about: layers that they share count once. What the inventory knows
/// says too much, since it counts them for each image, and a containerd store counts what it unpacked as well.
pub async fn expected_bytes(engine: &dyn Engine, names: &[String]) -> Result<u64, Failure> {
    if let [name] = names {
        return Ok(stored(&engine.image(name).await?));
    }
    let questions: Vec<_> = names.iter().map(|name| layers(engine, name)).collect();
    let mut answers = stream::iter(questions).buffer_unordered(QUESTIONS);
    let mut sizes: HashMap<String, u64> = HashMap::new();
    while let Some(layers) = answers.try_next().await? {
        for (diff_id, size) in layers {
            let known = sizes.entry(diff_id).or_insert(0);
            *known = size.max(*known);
        }
    }
    Ok(sizes.values().sum())
}

async fn layers(engine: &dyn Engine, name: &str) -> Result<Vec<(String, u64)>, Failure> {
    let detail = engine.image(name).await?;
    // Podman 4 fails over an image whose history has no dates.
    let history = engine.history(name).await.unwrap_or_default();
    let sizes = layer_sizes(&detail, &history);
    // The history tells what was unpacked; the archive gets what is stored.
    let all = sizes.iter().sum::<u64>().max(1);
    let scaled = |size: u64| u128::from(size) * u128::from(stored(&detail)) / u128::from(all);
    let sizes = sizes
        .into_iter()
        .map(|size| u64::try_from(scaled(size)).unwrap_or(size));
    Ok(detail.diff_ids.iter().cloned().zip(sizes).collect())
}

fn stored(detail: &ImageDetail) -> u64 {
    detail.content.map_or(detail.size, |content| content.stored)
}
