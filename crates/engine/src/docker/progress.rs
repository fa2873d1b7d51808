//! Folds the engine's messages about a pull, push or load into one picture (Docker API, `POST /images/create`).

use std::collections::HashMap;

use bytes::Bytes;
use imagefleet_model::LayerProgress;
use serde::Deserialize;

use super::errors::{Topic, reported};
use super::json_lines::{JsonLines, read};
use crate::{Result, TransferUpdate, percent};

/// No image has more layers; an engine that announces more is not followed further.
const MOST_LAYERS: usize = 1_000;

/// One message. Which fields are set depends on the engine and on what it does.
#[derive(Debug, Deserialize)]
struct Message {
    status: Option<String>,
    stream: Option<String>,
    id: Option<String>,
    #[serde(rename = "progressDetail")]
    progress: Option<ProgressDetail>,
    error: Option<String>,
    #[serde(rename = "errorDetail")]
    error_detail: Option<ErrorDetail>,
    aux: Option<Aux>,
}

#[derive(Debug, Default, Deserialize)]
struct ProgressDetail {
    current: Option<i64>,
    total: Option<i64>,
    /// `s` while the containerd store extracts: `current` counts seconds then.
    units: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ErrorDetail {
    message: Option<String>,
}

/// What a push tells at its end.
#[derive(Debug, Deserialize)]
struct Aux {
    #[serde(rename = "Digest")]
    digest: Option<String>,
}

/// What an engine has said so far.
#[derive(Debug)]
pub(super) struct TransferState {
    topic: Topic,
    lines: JsonLines,
    update: TransferUpdate,
    index: HashMap<String, usize>,
    sizes: Vec<LayerBytes>,
    concluded: bool,
}

/// Bytes of a layer over its phases; neither falls back.
#[derive(Debug, Default, Clone, Copy)]
struct LayerBytes {
    moved: u64,
    size: u64,
}

impl TransferState {
    pub fn new(topic: Topic) -> Self {
        Self {
            topic,
            lines: JsonLines::default(),
            update: TransferUpdate::default(),
            index: HashMap::new(),
            sizes: Vec::new(),
            concluded: false,
        }
    }

    /// Takes in a chunk. The picture after it, or the failure that it reports; `None` when it completes no message.
    pub fn push(&mut self, chunk: &[u8]) -> (Option<TransferUpdate>, Result<()>) {
        let (objects, outcome) = match self.lines.push(chunk) {
            Ok(objects) => (objects, Ok(())),
            Err(failure) => (Vec::new(), Err(failure)),
        };
        let before = objects.len();
        let outcome = outcome.and_then(|()| objects.into_iter().try_for_each(|object| self.object(&object)));
        ((before > 0).then(|| self.update.clone()), outcome)
    }

    /// Fails when the stream ended in the middle of a message.
    pub fn finish(&self) -> Result<()> {
        self.lines.finish()
    }

    /// Whether the engine said how it ended (`Status: …` after a pull, a digest after a push, what a load brought).
    pub fn concluded(&self) -> bool {
        self.concluded
    }

    /// Whether the engine works without a word: nothing moves and something is being extracted.
    pub fn silent_phase(&self) -> bool {
        let is = |status: &str| self.update.layers.iter().any(|layer| layer.status == status);
        (is("extracting") || is("verifying")) && !is("downloading")
            || (!self.update.layers.is_empty()
                && self
                    .update
                    .layers
                    .iter()
                    .all(|layer| matches!(layer.status.as_str(), "done" | "exists")))
    }

    fn object(&mut self, object: &Bytes) -> Result<()> {
        let message: Message = read(object)?;
        if let Some(text) = message
            .error_detail
            .and_then(|detail| detail.message)
            .or(message.error)
            .filter(|text| !text.is_empty())
        {
            return Err(reported(self.topic, &text));
        }
        if let Some(digest) = message.aux.and_then(|aux| aux.digest) {
            self.update.digest = Some(digest);
            self.concluded = true;
        }
        if let Some(line) = message.stream {
            self.line(line.trim());
        }
        if let Some(status) = message.status {
            let detail = message.progress.unwrap_or_default();
            match message.id.as_deref().filter(|id| !id.is_empty()) {
                Some(id) if phase(&status, self.topic).is_some() => self.layer(id, &status, &detail),
                _ => self.line(status.trim()),
            }
        }
        self.update.percent = percent(&self.update);
        Ok(())
    }

    /// A line about the whole transfer.
    fn line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        if let Some(digest) = line.strip_prefix("Digest: ").map(str::trim) {
            self.update.digest = Some(digest.to_owned());
        } else if let Some((_, rest)) = line.split_once(": digest: ") {
            // `1.0: digest: sha256:… size: 1234`: the only place where some stores tell it.
            self.update.digest = rest.split_whitespace().next().map(ToOwned::to_owned);
            self.concluded = true;
        } else if line.starts_with("Status: ") {
            self.concluded = true;
        } else if let Some(names) = ["Loaded image: ", "Loaded image ID: ", "Loaded image(s): "]
            .iter()
            .find_map(|prefix| line.strip_prefix(prefix))
        {
            self.update.loaded.extend(
                names
                    .split(',')
                    .map(|name| name.trim().to_owned())
                    .filter(|name| !name.is_empty()),
            );
            self.concluded = true;
        }
        line.clone_into(&mut self.update.message);
    }

    fn layer(&mut self, id: &str, status: &str, detail: &ProgressDetail) {
        let Some(phase) = phase(status, self.topic) else {
            return;
        };
        let at = match self.index.get(id) {
            Some(at) => *at,
            None if self.sizes.len() >= MOST_LAYERS => return,
            None => {
                let at = self.sizes.len();
                self.index.insert(id.to_owned(), at);
                self.sizes.push(LayerBytes::default());
                self.update.layers.push(LayerProgress {
                    id: id.to_owned(),
                    status: "waiting".to_owned(),
                    bytes_done: 0,
                    bytes_total: None,
                });
                at
            }
        };
        let counts_bytes = detail
            .units
            .as_deref()
            .is_none_or(|units| units.is_empty() || units == "bytes");
        let told = |value: Option<i64>| value.filter(|_| counts_bytes).and_then(|v| u64::try_from(v).ok());
        let current = told(detail.current).unwrap_or(0);
        let bytes = &mut self.sizes[at];
        bytes.size = bytes.size.max(told(detail.total).unwrap_or(0)).max(bytes.moved);
        match phase {
            Phase::Moving(_) => bytes.moved = bytes.moved.max(current.min(bytes.size.max(current))),
            Phase::Moved(_) | Phase::Working(_) | Phase::Done => bytes.moved = bytes.moved.max(bytes.size),
            Phase::Waiting | Phase::Exists => {}
        }
        bytes.size = bytes.size.max(bytes.moved);
        let size = Some(bytes.size).filter(|size| *size > 0);
        let layer = &mut self.update.layers[at];
        phase.word().clone_into(&mut layer.status);
        layer.bytes_total = size;
        layer.bytes_done = match phase {
            Phase::Working(_) => current.min(bytes.size),
            Phase::Waiting => 0,
            _ => bytes.moved,
        };
        self.sum_up();
    }

    fn sum_up(&mut self) {
        // Saturating: the numbers come from outside.
        let (moved, size) = self.sizes.iter().fold((0_u64, 0_u64), |(moved, size), bytes| {
            (moved.saturating_add(bytes.moved), size.saturating_add(bytes.size))
        });
        self.update.bytes_done = moved;
        self.update.bytes_total = Some(size).filter(|size| *size > 0);
    }
}

/// Where one layer is, with the model's word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    /// Bytes are on their way.
    Moving(&'static str),
    /// All bytes are there.
    Moved(&'static str),
    /// The engine works on them.
    Working(&'static str),
    Done,
    Exists,
}

impl Phase {
    const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Moving(word) | Self::Moved(word) | Self::Working(word) => word,
            Self::Done => "done",
            Self::Exists => "exists",
        }
    }
}

/// The phase that a layer's status names; `None` when the message is not about a layer.
fn phase(status: &str, topic: Topic) -> Option<Phase> {
    Some(match status {
        "Pulling fs layer" | "Waiting" | "Preparing" => Phase::Waiting,
        "Downloading" => Phase::Moving("downloading"),
        "Pushing" => Phase::Moving("pushing"),
        "Loading layer" if topic == Topic::Load => Phase::Moving("loading"),
        "Verifying Checksum" | "Download complete" => Phase::Moved("verifying"),
        "Extracting" => Phase::Working("extracting"),
        "Pull complete" | "Pushed" => Phase::Done,
        "Already exists" | "Layer already exists" => Phase::Exists,
        _ if status.starts_with("Mounted from ") => Phase::Exists,
        // After a broken download the engine waits and begins again.
        _ if status.starts_with("Retrying in ") => Phase::Waiting,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
