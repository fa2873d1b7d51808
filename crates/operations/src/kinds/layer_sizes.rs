use imagefleet_engine::ImageDetail;
use imagefleet_model::ImageLayer;

/// What each layer adds, by the image's history. Where that does not tell, the size is spread evenly: better a rough
/// figure than none.
pub fn layer_sizes(detail: &ImageDetail, history: &[ImageLayer]) -> Vec<u64> {
    let told: Vec<u64> = detail
        .diff_ids
        .iter()
        .map_while(|id| {
            let made = history
                .iter()
                .find(|line| line.diff_id.as_deref() == Some(id.as_str()))?;
            Some(made.size)
        })
        .collect();
    let layers = detail.diff_ids.len();
    if told.len() == layers {
        return told;
    }
    vec![detail.size / (layers.max(1) as u64); layers]
}
