//! Transfers in an engine's own messages, read by the same decoder as a real engine's.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::try_unfold;
use imagefleet_model::{ErrorCode, Failure, ImageRef};
use serde_json::{Value, json};

use super::FakeEngine;
use super::content::Content;
use crate::docker::decode_transfer;
use crate::{Result, Stream, TransferUpdate};

/// Messages per layer and phase, at least.
const STEPS: u64 = 8;
/// At most, however slowly bytes move.
const MOST_STEPS: u64 = 4_096;
/// Messages in a second while bytes move.
const A_SECOND: u64 = 8;

pub(super) fn parse(reference: &str) -> Result<ImageRef> {
    ImageRef::parse(reference)
        .map(ImageRef::with_default_tag)
        .map_err(|error| Failure::new(ErrorCode::InvalidReference, error.to_string()))
}

/// One message, and how many bytes have to move before it.
pub(super) type Line = (u64, Value);

/// What an engine says while it pulls at this pace.
pub(super) fn pull_lines(
    reference: &ImageRef,
    content: &Content,
    held: &HashSet<Arc<str>>,
    pace: Option<u64>,
) -> Vec<Line> {
    let tag = reference.tag().or(reference.digest()).unwrap_or("latest");
    let mut lines = vec![(
        0,
        json!({"status": format!("Pulling from {}", reference.path()), "id": tag}),
    )];
    let say = |status: &str, id: &str| json!({"status": status, "progressDetail": {}, "id": id});
    for layer in &content.layers {
        let word = if held.contains(&layer.diff_id) {
            "Already exists"
        } else {
            "Pulling fs layer"
        };
        lines.push((0, say(word, layer.short_id())));
    }
    for layer in content
        .layers
        .iter()
        .filter(|layer| !held.contains(&layer.diff_id))
    {
        let id = layer.short_id();
        lines.extend(moving("Downloading", id, layer.size, pace));
        lines.push((0, say("Verifying Checksum", id)));
        lines.push((0, say("Download complete", id)));
        lines.extend(steps("Extracting", id, layer.size, STEPS));
        lines.push((0, say("Pull complete", id)));
    }
    let new = content.layers.iter().any(|layer| !held.contains(&layer.diff_id));
    lines.push((
        0,
        json!({"status": format!("Digest: {}", content.manifest_digest)}),
    ));
    let end = if new {
        "Downloaded newer image"
    } else {
        "Image is up to date"
    };
    lines.push((0, json!({"status": format!("Status: {end} for {reference}")})));
    lines
}

/// What it says while it pushes at this pace.
pub(super) fn push_lines(reference: &ImageRef, content: &Content, pace: Option<u64>) -> Vec<Line> {
    let mut lines = vec![(
        0,
        json!({"status": format!("The push refers to repository [{}]", reference.repository())}),
    )];
    for layer in &content.layers {
        let id = layer.short_id();
        lines.push((0, json!({"status": "Preparing", "progressDetail": {}, "id": id})));
        lines.extend(moving("Pushing", id, layer.size, pace));
        lines.push((0, json!({"status": "Pushed", "progressDetail": {}, "id": id})));
    }
    let tag = reference.tag().unwrap_or("latest");
    let digest = &*content.manifest_digest;
    lines.push((
        0,
        json!({"status": format!("{tag}: digest: {digest} size: {}", content.manifest.len())}),
    ));
    lines.push((
        0,
        json!({"progressDetail": {}, "aux": {"Tag": tag, "Digest": digest, "Size": content.manifest.len()}}),
    ));
    lines
}

/// What it says of a load.
pub(super) fn load_lines(brought: Vec<String>) -> Vec<Line> {
    brought
        .into_iter()
        .map(|line| (0, json!({"stream": format!("{line}\n")})))
        .collect()
}

/// Steps whose bytes move before each is told.
fn moving(status: &str, id: &str, size: u64, pace: Option<u64>) -> Vec<Line> {
    let count = pace.map_or(STEPS, |pace| {
        (size.saturating_mul(A_SECOND) / pace.max(1)).clamp(STEPS, MOST_STEPS)
    });
    let mut before = 0;
    let mut lines = steps(status, id, size, count);
    for (moved, line) in &mut lines {
        let current = line["progressDetail"]["current"].as_u64().unwrap_or(before);
        *moved = current - before;
        before = current;
    }
    lines
}

fn steps(status: &str, id: &str, size: u64, count: u64) -> Vec<Line> {
    (1..=count)
        .map(|step| {
            let current = size * step / count;
            let line =
                json!({"status": status, "progressDetail": {"current": current, "total": size}, "id": id});
            (0, line)
        })
        .collect()
}

impl FakeEngine {
    /// Bytes that move in a second.
    pub(super) fn pace(&self) -> Option<u64> {
        self.0.options.bytes_per_second
    }

    /// The messages as bytes, at the engine's pace; `done` happens before the last of them is read.
    pub(super) fn spoken(&self, lines: Vec<Line>, done: impl FnOnce() + Send + 'static) -> Stream<Bytes> {
        let pace = self.pace();
        let start = (VecDeque::from(lines), Some(done));
        try_unfold(start, move |(mut lines, mut done)| async move {
            let Some((moved, line)) = lines.pop_front() else {
                return Ok(None);
            };
            if let Some(pace) = pace.filter(|_| moved > 0) {
                tokio::time::sleep(Duration::from_micros(
                    moved.saturating_mul(1_000_000) / pace.max(1),
                ))
                .await;
            }
            if lines.is_empty()
                && let Some(done) = done.take()
            {
                done();
            }
            Ok(Some((Bytes::from(format!("{line}\r\n")), (lines, done))))
        })
        .boxed()
    }
}

/// Reads messages as those of a real engine.
pub(super) fn decoded(bytes: Stream<Bytes>, load: bool) -> Stream<TransferUpdate> {
    decode_transfer(bytes, load)
}
