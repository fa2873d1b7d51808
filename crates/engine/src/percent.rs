use imagefleet_model::LayerProgress;

use crate::TransferUpdate;

/// What the download of a layer counts for; its extraction is the rest.
const DOWNLOAD: f64 = 0.8;
/// What a layer counts for that has not told its size: engines fetch a few at a time, and small ones end before the big
/// ones have begun.
const UNKNOWN_LAYER: u64 = 32 << 20;
/// Nothing is finished before its stream has ended.
const AT_MOST: f64 = 99.0;

/// How far a transfer is, 0–99: each layer weighs as much as its bytes, one of unknown size as much as the largest of
/// the others; a download counts 80 %, the extraction 20 %, a layer that exists already is done. It is never less
/// than [`TransferUpdate::percent`], which an engine's stream carries from update to update: so it never falls back.
#[must_use]
pub fn percent(update: &TransferUpdate) -> u8 {
    at_this_moment(update).max(update.percent)
}

/// From this update alone: it falls back when a new layer announces itself.
fn at_this_moment(update: &TransferUpdate) -> u8 {
    let moving: Vec<&LayerProgress> = update
        .layers
        .iter()
        .filter(|layer| layer.status != "exists")
        .collect();
    if update.layers.is_empty() {
        return match update.bytes_total {
            Some(total) if total > 0 => share(update.bytes_done, total),
            _ => 0,
        };
    }
    if moving.is_empty() {
        // The first layers of an answer are mostly those that exist: what follows is not known yet, and a figure that
        // never falls back must not begin at its end.
        return 0;
    }
    let largest = moving
        .iter()
        .filter_map(|layer| layer.bytes_total)
        .max()
        .unwrap_or(0);
    let unknown = real(largest.max(UNKNOWN_LAYER));
    let (mut done, mut total) = (0.0, 0.0);
    for layer in moving {
        let weight = layer.bytes_total.filter(|total| *total > 0).map_or(unknown, real);
        total += weight;
        done += weight * layer_share(layer);
    }
    whole(100.0 * done / total)
}

/// How much of one layer is done, 0–1.
fn layer_share(layer: &LayerProgress) -> f64 {
    let within = match layer.bytes_total {
        Some(total) if total > 0 => (real(layer.bytes_done) / real(total)).min(1.0),
        _ => 0.0,
    };
    match layer.status.as_str() {
        "downloading" => DOWNLOAD * within,
        "verifying" => DOWNLOAD,
        "extracting" => DOWNLOAD + (1.0 - DOWNLOAD) * within,
        "pushing" | "loading" => within,
        "done" | "exists" => 1.0,
        _ => 0.0,
    }
}

fn share(done: u64, total: u64) -> u8 {
    whole(100.0 * real(done) / real(total))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held between 0 and 99 first"
)]
fn whole(value: f64) -> u8 {
    value.clamp(0.0, AT_MOST) as u8
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a percentage needs no more than 52 bits"
)]
fn real(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use imagefleet_model::LayerProgress;

    use super::percent;
    use crate::TransferUpdate;

    fn layer(status: &str, done: u64, total: Option<u64>) -> LayerProgress {
        LayerProgress {
            id: "a".to_owned(),
            status: status.to_owned(),
            bytes_done: done,
            bytes_total: total,
        }
    }

    fn of(layers: Vec<LayerProgress>) -> u8 {
        percent(&TransferUpdate {
            layers,
            ..TransferUpdate::default()
        })
    }

    #[test]
    fn bytes_weigh_and_phases_count() {
        assert_eq!(of(vec![]), 0);
        assert_eq!(of(vec![layer("waiting", 0, None)]), 0);
        assert_eq!(of(vec![layer("downloading", 50, Some(100))]), 40);
        assert_eq!(of(vec![layer("verifying", 100, Some(100))]), 80);
        assert_eq!(of(vec![layer("extracting", 50, Some(100))]), 90);
        assert_eq!(of(vec![layer("done", 100, Some(100))]), 99);
        assert_eq!(of(vec![layer("exists", 0, None)]), 0, "others may follow");
        // A layer that exists takes no part; a big one weighs more than a small one.
        let mixed = vec![
            layer("exists", 0, None),
            layer("done", 10, Some(10)),
            layer("waiting", 0, Some(90)),
        ];
        assert_eq!(of(mixed), 10);
        // A small one that is done says little while others have not told their size.
        let beginning = vec![layer("done", 10, Some(10)), layer("waiting", 0, None)];
        assert_eq!(of(beginning), 0);
    }

    #[test]
    fn without_layers_bytes_decide() {
        let update = TransferUpdate {
            bytes_done: 1,
            bytes_total: Some(4),
            ..TransferUpdate::default()
        };
        assert_eq!(percent(&update), 25);
    }
}
