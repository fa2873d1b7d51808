use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use imagefleet_archive::{Limits, inspect};
use imagefleet_operations::reconcilers;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::fleet::Fleet;

const WHOLE: &str = "every export offered is whole: length, SHA-256, content";
const LEFT: &str = "the archive folder holds what the lists offer, and nothing else";

/// Reads every archive that is offered, and looks for what nobody offers.
pub async fn check(fleet: &Fleet) {
    // It comes every ten minutes by itself, by a clock that does not jump.
    let swept = reconcilers::sweep(fleet.app.operations.deps()).await;
    fleet.tally.hold(LEFT, swept.is_ok(), || format!("{swept:?}"));
    let exports = fleet.list("/exports").await;
    for export in &exports {
        let path = format!(
            "/api/v1/exports/{}/file",
            export["id"].as_str().unwrap_or_default()
        );
        let file = fleet.client().await.raw("GET", &path, &[], Body::empty()).await;
        let wrong = if file.status == StatusCode::OK {
            what_is_wrong(export, file.bytes).await
        } else {
            Some(format!("{} {}", file.status, file.code()))
        };
        fleet.tally.hold(WHOLE, wrong.is_none(), || {
            format!("{}: {export}", wrong.unwrap_or_default())
        });
    }
    let ids = |all: &[Value]| -> BTreeSet<String> {
        all.iter()
            .filter_map(|item| item["id"].as_str().map(ToOwned::to_owned))
            .collect()
    };
    let (exports, uploads) = (ids(&exports), ids(&fleet.list("/uploads").await));
    let folder = fleet.app.archives.path();
    let mut surplus = surplus_of(folder, &exports, &uploads);
    // Files go a moment after what they belonged to.
    for _ in 0..60 {
        if surplus.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        surplus = surplus_of(folder, &exports, &uploads);
    }
    fleet
        .tally
        .hold(LEFT, surplus.is_empty(), || format!("{surplus:?}"));
}

async fn what_is_wrong(export: &Value, file: Bytes) -> Option<String> {
    if export["size"].as_u64() != Some(file.len() as u64) {
        return Some(format!("{} bytes came", file.len()));
    }
    let sum = hex::encode(Sha256::digest(&file));
    if export["sha256"].as_str() != Some(sum.as_str()) {
        return Some(format!("its SHA-256 is {sum}"));
    }
    let contents = match inspect(stream::iter([Ok(file)]).boxed(), &Limits::default()).await {
        Ok(contents) => contents,
        Err(failure) => return Some(failure.to_string()),
    };
    let inside = contents.references();
    let wanted = export["images"].as_array().cloned().unwrap_or_default();
    let missing = wanted
        .iter()
        .filter(|image| image["tag"].is_string())
        .find(|image| !inside.contains(&image["fullName"].as_str().unwrap_or_default()));
    missing.map(|image| format!("it lacks {image}"))
}

/// Files of no export and no upload; half-written ones have a `#` in their name.
fn surplus_of(folder: &Path, exports: &BTreeSet<String>, uploads: &BTreeSet<String>) -> Vec<String> {
    let mut surplus = Vec::new();
    for (kind, known) in [("exports", exports), ("uploads", uploads)] {
        let place = folder.join(kind);
        let mut folders = vec![place.clone()];
        while let Some(inside) = folders.pop() {
            for entry in std::fs::read_dir(inside).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let below = path.strip_prefix(&place).unwrap_or(&path);
                let id = below
                    .iter()
                    .next()
                    .and_then(|part| part.to_str())
                    .unwrap_or_default();
                if !known.contains(id) || below.display().to_string().contains('#') {
                    surplus.push(format!("{kind}/{}", below.display()));
                }
            }
        }
    }
    surplus
}
